// One viewer of the stream by npm's `eventsource`: writes a line of JSON for all that it is given, until it is killed.
import { EventSource } from "eventsource";

const say = (/** @type {object} */ what) => process.stdout.write(JSON.stringify(what) + "\n");
const source = new EventSource(process.argv[2]);
source.addEventListener("open", () => say({ open: source.readyState }));
source.addEventListener("error", (error) => say({ error: error.code ?? null, state: source.readyState }));
for (const name of ["hello", "heartbeat", "gap", "bye", "metrics", "processes", "system", "message"]) {
  source.addEventListener(name, (event) => say({ type: name, id: event.lastEventId, data: JSON.parse(event.data) }));
}

setInterval(() => undefined, 60_000); // the wait before the next try alone does not keep Node.js running
