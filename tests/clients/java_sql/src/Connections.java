import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;

/**
 * How to get in: as SQL_STRING says if there is one; else with TOKEN if there is one, else by the driver's own mode WAY, for
 * CLIENT with the secret SECRET.
 */
final class Connections {
    private Connections() {
    }

    static Connection open(String encrypt) throws SQLException {
        String ready = System.getenv("SQL_STRING");
        return ready != null ? DriverManager.getConnection(ready) : DriverManager.getConnection(url(), properties(encrypt));
    }

    static String url() {
        return "jdbc:sqlserver://" + System.getenv("SQL_SERVER") + ":" + System.getenv("SQL_PORT")
            + ";databaseName=" + System.getenv("SQL_DATABASE");
    }

    private static Properties properties(String encrypt) {
        Properties properties = new Properties();
        properties.put("encrypt", encrypt);
        String client = System.getenv("CLIENT");
        if (System.getenv("TOKEN") != null) {
            properties.put("accessToken", System.getenv("TOKEN"));
            return properties;
        }
        properties.put("authentication", System.getenv("WAY"));
        if (System.getenv("SECRET") != null) {
            properties.put("user", client);
            properties.put("password", System.getenv("SECRET"));
        } else if (client != null) {
            properties.put("msiClientId", client);
        }
        return properties;
    }
}
