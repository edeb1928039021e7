import assert from "node:assert/strict";
import { test } from "node:test";
import { brief } from "../../static/js/brief.js";

test("what is wrong is told before where, and a file by its name", () => {
  const raised = "collector boom: /srv/a folder/collectors/boom.py:7: ValueError: got 'n/a'";
  assert.equal(brief(raised), "ValueError: got 'n/a' · collector boom, line 7");
  assert.equal(brief("collector boom: C:\\collectors\\other.py:12: KeyError: 'a'"), "KeyError: 'a' · collector boom, other.py line 12");
  assert.equal(brief("collector stuck: did not return within 2 s"), "did not return within 2 s · collector stuck");
  assert.equal(brief("collector net: no route to http://10.0.0.1:80: gave up"), "no route to http://10.0.0.1:80: gave up · collector net");
});

test("what the page says beside it is left out", () => {
  assert.equal(brief("server: it was silent for 10 s and is tried anew"), "server: silent for 10 s");
  assert.equal(brief("source vm/push: it stopped sending"), "source vm/push: stopped sending");
  assert.equal(brief("trying now · the server was silent for 10 s and is tried anew"), "trying now · the server was silent for 10 s");
  assert.equal(brief("stream: catching up"), "stream: catching up");
});
