// Serves dynalite on a free port of the loopback, says which on one line of its standard output, and ends when its
// standard input does: the pipe closes however the process at its other end ends, also by SIGKILL.
import dynalite from "dynalite";

const server = dynalite({ createTableMs: 0, updateTableMs: 0, deleteTableMs: 0 });
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
