// Arguments: PORT HOST CA-FILE, again and again. Prints "ok" or "refused" for each.
const fs = require("fs");
const net = require("net");
const tls = require("tls");

const REFUSALS = new Set([
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNSPECIFIED",  // what Node makes of a "permitted subtree violation"
]);

async function main(args) {
  for (; args.length > 0; args = args.slice(3)) {
    const [port, host, file] = args;
    const socket = net.connect(Number(port), "127.0.0.1");
    const servername = net.isIP(host) ? "" : host;
    const connection = tls.connect({ socket, host, servername, ca: fs.readFileSync(file) });
    const answer = await new Promise((resolve, reject) => {
      connection.on("secureConnect", () => resolve("ok"));
      connection.on("error", (error) => (REFUSALS.has(error.code) ? resolve("refused") : reject(error)));
    });
    console.log(answer);
    connection.destroy();
  }
}

main(process.argv.slice(2));
