import { Api } from "./api.js";
import { Hub } from "./hub.js";

/** Milliseconds between two looks at the stream and at the pages. */
const TICK = 250;

// What is before `/static/<version>/<folder>/<file>` is the prefix of the server.
const api = new Api(location.pathname.replace(/(\/[^/]+){4}$/, ""));
const hub = new Hub({
  address: (selectors, types, after) => api.stream(selectors, types, after),
  probe: () => api.diagnose(),
});
addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  if (!port) return;
  port.addEventListener("message", ({ data }) => hub.message(port, data));
  port.start();
});
setInterval(() => hub.watch(), TICK);
