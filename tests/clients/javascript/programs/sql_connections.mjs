// Where the database is, and how to get in: SQL_AUTHENTICATION is tedious' authentication as JSON.
const { SQL_SERVER, SQL_PORT, SQL_DATABASE, SQL_AUTHENTICATION, SQL_ENCRYPT } = process.env;

export const where = { server: SQL_SERVER, port: Number(SQL_PORT), database: SQL_DATABASE };
export const authentication = JSON.parse(SQL_AUTHENTICATION);
export const encrypt = SQL_ENCRYPT === "strict" ? "strict" : SQL_ENCRYPT === "yes";

// A thousand numbers; a billion take a minute and more to be counted.
export const NUMBERS = "WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000)";
export const LONG = `${NUMBERS} SELECT COUNT(*) AS c FROM n a CROSS JOIN n b CROSS JOIN n c OPTION (MAXRECURSION 1000)`;
export const LARGE = `${NUMBERS} SELECT a.i, b.i AS j, N'Käse 茶' AS t FROM n a CROSS JOIN n b WHERE b.i <= 100 OPTION (MAXRECURSION 1000)`;
