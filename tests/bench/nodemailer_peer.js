// nodemailer with a pool of one connection: PORT FROM TO FILE…
const nodemailer = require("nodemailer");
const fs = require("fs");
const [port, from, to, ...files] = process.argv.slice(2);
const options = { host: "127.0.0.1", port: Number(port), pool: true, maxConnections: 1, maxMessages: Infinity };
const transport = nodemailer.createTransport({ ...options, secure: false, ignoreTLS: true });
const send = (file) => transport.sendMail({ envelope: { from, to }, raw: fs.createReadStream(file) });
(async () => {
  for (const file of files) await send(file);
  transport.close();
})();
