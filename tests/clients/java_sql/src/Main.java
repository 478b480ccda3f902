import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What an application does with mssql-jdbc, from its first table to a statement that it cancels. */
public final class Main {
    /** A thousand numbers; a billion take a minute and more to be counted. */
    private static final String NUMBERS = "WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000)";
    private static final String LONG = NUMBERS
        + " SELECT COUNT(*) AS c FROM n a CROSS JOIN n b CROSS JOIN n c OPTION (MAXRECURSION 1000)";
    private static final String LARGE = NUMBERS
        + " SELECT a.i, b.i AS j, N'K\u00e4se \u8336' AS t FROM n a CROSS JOIN n b WHERE b.i <= 100 OPTION (MAXRECURSION 1000)";

    public static void main(String[] arguments) throws Exception {
        try (Connection connection = Connections.open(arguments[0])) {
            if (arguments.length > 1) {
                if (arguments[1].equals("control")) {
                    Control.all(connection);
                } else if (arguments[1].equals("catalog")) {
                    Catalog.all(connection);
                } else {
                    Bulk.load(connection, arguments[0]);
                }
                System.out.println("ok");
                return;
            }
            article(connection);
            tables(connection);
            transactions(connection);
            several(connection);
            cancelled(connection);
        }
        System.out.println("ok");
    }

    /** The article's own query. */
    private static void article(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE TableName (ColumnName NVARCHAR(50))");
            expect(statement.executeUpdate("INSERT INTO TableName VALUES (N'first')") == 1);
            try (ResultSet rows = statement.executeQuery("SELECT TOP 1 ColumnName FROM TableName")) {
                expect(rows.next() && rows.getString("ColumnName").equals("first") && !rows.next());
            }
        }
    }

    private static void tables(Connection connection) throws SQLException {
        run(connection, "CREATE TABLE products (id INT IDENTITY PRIMARY KEY, name NVARCHAR(50) NOT NULL UNIQUE,"
            + " price DECIMAL(10, 2) NULL, made DATETIME2 NULL, picture VARBINARY(MAX) NULL, sold BIT NULL)");
        Timestamp made = Timestamp.valueOf("2024-02-29 01:02:03.456789");
        byte[] picture = new byte[9000];
        Arrays.fill(picture, (byte) 'q');
        String insert = "INSERT INTO products (name, price, made, picture, sold) VALUES (?, ?, ?, ?, ?)";
        String[] names = {"Tee", "K\u00e4se", "\u8336"};
        try (PreparedStatement statement = connection.prepareStatement(insert, Statement.RETURN_GENERATED_KEYS)) {
            for (int number = 0; number < names.length; number++) {
                statement.setString(1, names[number]);
                statement.setBigDecimal(2, number == 2 ? null : new BigDecimal(number == 0 ? "3.50" : "12.00"));
                statement.setTimestamp(3, made);
                statement.setBytes(4, picture);
                statement.setBoolean(5, true);
                expect(statement.executeUpdate() == 1);
                try (ResultSet keys = statement.getGeneratedKeys()) {
                    expect(keys.next() && keys.getInt(1) == number + 1);
                }
            }
        }
        // from the second time on the statement is prepared
        String query = "SELECT id, price, made, picture, sold FROM products WHERE name = ?";
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            for (int time = 0; time < 4; time++) {
                statement.setString(1, "k\u00e4se");
                try (ResultSet row = statement.executeQuery()) {
                    expect(row.next() && row.getInt(1) == 2 && row.getBigDecimal(2).equals(new BigDecimal("12.00")));
                    expect(row.getTimestamp(3).equals(made) && Arrays.equals(row.getBytes(4), picture));
                    expect(row.getBoolean(5) && !row.next());
                }
            }
        }
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO TableName VALUES (?)")) {
            for (int number = 0; number < 10; number++) {
                statement.setString(1, "row " + number);
                statement.addBatch();
            }
            expect(Arrays.stream(statement.executeBatch()).sum() == 10);
        }
    }

    private static void transactions(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        run(connection, "DELETE FROM products WHERE id = 1");
        refused(connection, "INSERT INTO products (name) VALUES (N'K\u00c4SE')", 2627);
        refused(connection, "SELECT * FROM nothere", 208);
        refused(connection, "SELECT 1 / 0 AS a", 8134);
        // the transaction goes on
        expect(number(connection, "SELECT COUNT(*) AS n FROM products") == 2);
        Savepoint here = connection.setSavepoint("here");
        run(connection, "DELETE FROM products");
        connection.rollback(here);
        expect(number(connection, "SELECT COUNT(*) AS n FROM products") == 2);
        connection.rollback();
        run(connection, "UPDATE products SET price = 4 WHERE id = 1");
        connection.commit();
        connection.setAutoCommit(true);
        expect(number(connection, "SELECT COUNT(*) AS n FROM products WHERE price IN (4, 12)") == 2);
    }

    private static void several(Connection connection) throws SQLException {
        List<Integer> sizes = new ArrayList<>();
        try (Statement statement = connection.createStatement()) {
            boolean more = statement.execute("SELECT 1 AS a; SELECT name FROM products; SELECT 2 AS b");
            while (more) {
                sizes.add(size(statement.getResultSet()));
                more = statement.getMoreResults();
            }
        }
        expect(sizes.equals(List.of(1, 3, 1)));
    }

    /** A long statement that is cancelled, one that runs out of time, and then a large result. */
    private static void cancelled(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            Thread other = new Thread(() -> {
                try {
                    Thread.sleep(300);
                    statement.cancel();
                } catch (InterruptedException | SQLException error) {
                    error.printStackTrace();
                }
            });
            other.start();
            stopped(statement);
            other.join();
        }
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            stopped(statement);
        }
        try (Statement statement = connection.createStatement()) {
            expect(size(statement.executeQuery(LARGE)) == 100_000);
        }
    }

    private static void stopped(Statement statement) {
        long began = System.nanoTime();
        try {
            statement.executeQuery(LONG);
        } catch (SQLException error) {
            expect(System.nanoTime() - began < 5_000_000_000L);
            return;
        }
        throw new AssertionError("it was not stopped");
    }

    private static void run(Connection connection, String text) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(text);
        }
    }

    private static int number(Connection connection, String text) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(text)) {
            rows.next();
            return rows.getInt(1);
        }
    }

    private static int size(ResultSet rows) throws SQLException {
        int size = 0;
        while (rows.next()) {
            size++;
        }
        return size;
    }

    private static void refused(Connection connection, String text, int number) {
        try {
            run(connection, text);
        } catch (SQLException error) {
            expect(error.getErrorCode() == number);
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
