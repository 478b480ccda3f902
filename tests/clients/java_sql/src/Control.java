import java.math.BigDecimal;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;

/** Procedures with outputs, and errors in the middle of a batch, through mssql-jdbc. */
final class Control {
    private Control() {
    }

    static void all(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE stock (id INT IDENTITY PRIMARY KEY, name NVARCHAR(20) NOT NULL)");
            statement.execute("CREATE PROCEDURE dbo.add_stock @name NVARCHAR(20), @half DECIMAL(10, 2) OUTPUT, @id INT OUTPUT AS"
                + " BEGIN SET NOCOUNT ON; INSERT INTO stock (name) VALUES (@name); SET @id = SCOPE_IDENTITY(); SET @half = @half / 2;"
                + " SELECT name FROM stock; RETURN 5 END");
        }
        try (CallableStatement call = connection.prepareCall("{? = call dbo.add_stock (?, ?, ?)}")) {
            call.registerOutParameter(1, Types.INTEGER);
            call.setString(2, "K\u00e4se");
            call.setBigDecimal(3, new BigDecimal("2.50"));
            call.registerOutParameter(3, Types.DECIMAL, 2);
            call.registerOutParameter(4, Types.INTEGER);
            expect(call.execute());
            try (ResultSet rows = call.getResultSet()) {
                expect(rows.next() && rows.getString(1).equals("K\u00e4se") && !rows.next());
            }
            expect(call.getInt(1) == 5 && call.getInt(4) == 1);
            expect(call.getBigDecimal(3).compareTo(new BigDecimal("1.25")) == 0);
        }
        try (Statement statement = connection.createStatement()) {
            expect(number(statement, "DECLARE @i INT = 0; WHILE @i < 5 SET @i += 1; SELECT @i") == 5);
            expect(number(statement, "BEGIN TRY SELECT 1 / 0 AS a END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH") == 8134);
            refused(statement, "INSERT INTO stock (name) VALUES (NULL); SELECT 1", 515);
            refused(statement, "THROW 50001, 'thrown', 1", 50001);
            statement.execute("DROP PROCEDURE dbo.add_stock; DROP TABLE stock");
        }
    }

    /** The number in the last result. */
    private static int number(Statement statement, String text) throws SQLException {
        int found = -1;
        boolean rows = statement.execute(text);
        while (rows || statement.getUpdateCount() != -1) {
            if (rows) {
                try (ResultSet result = statement.getResultSet()) {
                    while (result.next()) {
                        found = result.getInt(1);
                    }
                }
            }
            rows = statement.getMoreResults();
        }
        return found;
    }

    private static void refused(Statement statement, String text, int number) {
        try {
            statement.execute(text);
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
