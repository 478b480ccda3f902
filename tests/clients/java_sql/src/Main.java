import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;

/** The article's query through mssql-jdbc: with TOKEN if there is one, else by the managed identity CLIENT, or as SQL_STRING says. */
public final class Main {
    public static void main(String[] arguments) throws SQLException {
        String url = "jdbc:sqlserver://" + System.getenv("SQL_SERVER") + ":" + System.getenv("SQL_PORT")
            + ";databaseName=" + System.getenv("SQL_DATABASE");
        String ready = System.getenv("SQL_STRING");
        try (Connection connection = ready != null
                ? DriverManager.getConnection(ready)
                : DriverManager.getConnection(url, properties(arguments[0]))) {
            query(connection);
            fail(connection);
        }
        System.out.println("ok");
    }

    private static Properties properties(String encrypt) {
        Properties properties = new Properties();
        properties.put("encrypt", encrypt);
        if (System.getenv("TOKEN") != null) {
            properties.put("accessToken", System.getenv("TOKEN"));
        } else {
            properties.put("authentication", "ActiveDirectoryManagedIdentity");
            properties.put("msiClientId", System.getenv("CLIENT"));
        }
        return properties;
    }

    private static void query(Connection connection) throws SQLException {
        String text = "SELECT id, name, price FROM products WHERE id = ?";
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            // from the third time on it is prepared
            for (int time = 0; time < 3; time++) {
                statement.setInt(1, 2);
                try (ResultSet rows = statement.executeQuery()) {
                    rows.next();
                    expect(rows.getString(2).equals("K\u00e4se"));
                    expect(rows.getBigDecimal(3).equals(new BigDecimal("12.00")));
                }
            }
        }
        try (Statement statement = connection.createStatement()) {
            expect(statement.executeUpdate("INSERT INTO t VALUES (1)") == 1);
        }
    }

    private static void fail(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("FAIL 2627 14");
        } catch (SQLException error) {
            expect(error.getErrorCode() == 2627);
            return;
        }
        throw new AssertionError("an error was not told");
    }

    private static void expect(boolean holds) {
        if (!holds) {
            throw new AssertionError();
        }
    }
}
