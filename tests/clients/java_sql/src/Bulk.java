import com.microsoft.sqlserver.jdbc.SQLServerBulkCopy;
import com.microsoft.sqlserver.jdbc.SQLServerBulkCopyOptions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Bulk load through mssql-jdbc, from one table to another. */
final class Bulk {
    private static final int ROWS = 5000;
    private static final String COLUMNS = "n INT NOT NULL, name NVARCHAR(20) NULL, price DECIMAL(10, 2) NULL, made DATETIME2 NULL,"
        + " note VARCHAR(MAX) NULL, b VARBINARY(10) NULL";

    private Bulk() {
    }

    static void load(Connection connection, String encrypt) throws SQLException {
        try (Statement statement = connection.createStatement(); Connection from = Connections.open(encrypt)) {
            statement.execute("CREATE TABLE given (" + COLUMNS + ")");
            statement.execute("CREATE TABLE loaded (" + COLUMNS + ")");
            statement.execute("WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
                + " INSERT INTO given SELECT a.i + 100 * (b.i - 1), N'K\u00e4se \u8336', 1.25, '2024-02-29 01:02:03.1234560', NULL,"
                + " 0x0102 FROM n a CROSS JOIN n b WHERE b.i <= 50");
            copy(connection, from, "SELECT * FROM given");
            String same = "SELECT COUNT(*) FROM given g JOIN loaded l ON g.n = l.n AND g.name = l.name AND g.price = l.price"
                + " AND g.made = l.made AND l.note IS NULL AND g.b = l.b";
            expect(number(statement, same) == ROWS);
            expect(number(statement, "SELECT COUNT(*) FROM loaded") == ROWS);
        }
    }

    private static void copy(Connection to, Connection from, String query) throws SQLException {
        try (SQLServerBulkCopy bulk = new SQLServerBulkCopy(to);
                Statement statement = from.createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            SQLServerBulkCopyOptions options = new SQLServerBulkCopyOptions();
            options.setKeepNulls(true);
            bulk.setBulkCopyOptions(options);
            bulk.setDestinationTableName("loaded");
            bulk.writeToServer(rows);
        }
    }

    private static int number(Statement statement, String query) throws SQLException {
        try (ResultSet rows = statement.executeQuery(query)) {
            rows.next();
            return rows.getInt(1);
        }
    }

    private static void expect(boolean holds) {
        if (!holds) {
            throw new AssertionError("not as expected");
        }
    }
}
