import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** What the database has, asked through mssql-jdbc. */
final class Catalog {
    private static final String[] TABLES = {
        "CREATE SCHEMA depot",
        "CREATE TABLE depot.goods (id INT IDENTITY NOT NULL CONSTRAINT pk_goods PRIMARY KEY,"
            + " name NVARCHAR(40) NOT NULL DEFAULT 'x', price DECIMAL(9, 2) NULL)",
        "CREATE TABLE depot.sold (number INT NOT NULL, part INT NOT NULL,"
            + " good INT NULL CONSTRAINT fk_good REFERENCES depot.goods (id) ON DELETE CASCADE,"
            + " CONSTRAINT pk_sold PRIMARY KEY (number, part))",
        "CREATE UNIQUE INDEX ix_name ON depot.goods (name DESC, id)",
        "CREATE VIEW depot.cheap AS SELECT name FROM depot.goods WHERE price < 5",
        "CREATE PROCEDURE depot.find @name NVARCHAR(40), @found INT OUTPUT AS SELECT @found = 1",
    };

    private Catalog() {
    }

    static void all(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String text : TABLES) {
                statement.execute(text);
            }
        }
        String database = connection.getCatalog();
        DatabaseMetaData data = connection.getMetaData();
        for (String catalog : new String[] {null, database}) {
            tables(data, catalog);
            keys(data, catalog);
            others(data, catalog);
        }
        expect("[" + database + "]", rows(data.getCatalogs(), "TABLE_CAT"));
        holds(rows(data.getSchemas(), "TABLE_SCHEM"), "depot", "dbo", "sys", "INFORMATION_SCHEMA");
        expect("[depot]", rows(data.getSchemas(null, "dep%"), "TABLE_SCHEM"));
    }

    private static void tables(DatabaseMetaData data, String catalog) throws SQLException {
        String[] name = {"TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE"};
        expect("[depot|goods|TABLE, depot|sold|TABLE, depot|cheap|VIEW]", rows(data.getTables(catalog, "depot", "%", null), name));
        expect("[depot|goods|TABLE]", rows(data.getTables(catalog, "dep%", "g%", new String[] {"TABLE"}), name));
        expect("[id|4|int identity|10|0|1|YES, name|-9|nvarchar|40|0|2|NO, price|3|decimal|9|1|3|NO]",
            rows(data.getColumns(catalog, "depot", "goods", "%"), "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "COLUMN_SIZE", "NULLABLE", "ORDINAL_POSITION", "IS_AUTOINCREMENT"));
        expect("[('x')]", rows(data.getColumns(catalog, "depot", "goods", "na%"), "COLUMN_DEF"));
        expect("[id]", rows(data.getBestRowIdentifier(catalog, "depot", "goods", DatabaseMetaData.bestRowSession, true), "COLUMN_NAME"));
    }

    private static void keys(DatabaseMetaData data, String catalog) throws SQLException {
        expect("[number|1|pk_sold, part|2|pk_sold]", rows(data.getPrimaryKeys(catalog, "depot", "sold"), "COLUMN_NAME", "KEY_SEQ", "PK_NAME"));
        String[] about = {"PKTABLE_NAME", "PKCOLUMN_NAME", "FKTABLE_NAME", "FKCOLUMN_NAME", "UPDATE_RULE", "DELETE_RULE", "FK_NAME", "PK_NAME"};
        String key = "[goods|id|sold|good|" + DatabaseMetaData.importedKeyNoAction + "|" + DatabaseMetaData.importedKeyCascade + "|fk_good|pk_goods]";
        expect(key, rows(data.getImportedKeys(catalog, "depot", "sold"), about));
        expect(key, rows(data.getExportedKeys(catalog, "depot", "goods"), about));
        expect(key, rows(data.getCrossReference(catalog, "depot", "goods", catalog, "depot", "sold"), about));
        expect("[]", rows(data.getImportedKeys(catalog, "depot", "goods"), about));
    }

    private static void others(DatabaseMetaData data, String catalog) throws SQLException {
        holds(rows(data.getIndexInfo(catalog, "depot", "goods", false, true), "NON_UNIQUE", "INDEX_NAME", "ORDINAL_POSITION", "COLUMN_NAME", "ASC_OR_DESC"),
            "0|pk_goods|1|id|A", "0|ix_name|1|name|D", "0|ix_name|2|id|A");
        holds(rows(data.getProcedures(catalog, "depot", "%"), "PROCEDURE_SCHEM", "PROCEDURE_NAME"), "depot|find;1");
        expect("[@RETURN_VALUE, @name, @found]", rows(data.getProcedureColumns(catalog, "depot", "find", "%"), "COLUMN_NAME"));
    }

    /** Those columns of all rows. */
    private static String rows(ResultSet result, String... columns) throws SQLException {
        List<String> found = new ArrayList<>();
        try (result) {
            while (result.next()) {
                List<String> row = new ArrayList<>();
                for (String column : columns) {
                    row.add(result.getString(column));
                }
                found.add(String.join("|", row));
            }
        }
        return found.toString();
    }

    private static void holds(String found, String... wanted) {
        for (String one : wanted) {
            if (!found.replace("]", ",").replace("[", " ").contains(" " + one + ",")) {
                throw new AssertionError(one + " is not in " + found);
            }
        }
    }

    private static void expect(String wanted, String found) {
        if (!found.equals(wanted)) {
            throw new AssertionError(found + " instead of " + wanted);
        }
    }
}
