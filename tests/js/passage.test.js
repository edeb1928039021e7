import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { cutOff, heldBack, Passage } from "../../static/js/passage.js";

const read = (/** @type {string} */ name) => JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), "utf8"));

for (const { name, marks, held } of read("arrivals")) {
  test(`held back: ${name}`, () => {
    const found = heldBack(marks.map(([at, sent]) => ({ at: at * 1000, sent })));
    assert.equal(found > 0, held, `${found}`);
  });
}

for (const { name, silences, cut } of read("silences")) {
  test(`cut off: ${name}`, () => assert.equal(cutOff(silences) > 0, cut));
}

/**
 * A stream whose events, one a second, come in pieces of `size`.
 * @param {Passage} passage
 * @param {number} from seconds
 * @param {number} to
 * @param {number} size
 */
function stream(passage, from, to, size) {
  passage.begin();
  passage.heard(from * 1000, 0, { type: "hello", newest: `${from * 1000}-0` });
  let gathered = [];
  for (let now = from; now < to; now += 0.25) {
    if (passage.judge(now * 1000)) return now;
    if (Number.isInteger(now) && now > from) gathered.push(now);
    if (gathered.length < size) continue;
    for (const sent of gathered) passage.heard(now * 1000, 0, { type: "metrics", id: `${sent * 1000}-3` });
    gathered = [];
  }
  return Infinity;
}

test("a stream that is held back is given up within 20 s, tried again after 5 minutes, then ever more seldom", () => {
  const passage = new Passage();
  const found = stream(passage, 1000, 1020, 3);
  assert.ok(found < 1020);
  assert.deepEqual([passage.fault?.kind, passage.polling], ["held", true]);
  let now = found;
  const again = () => {
    const since = now;
    while (!passage.judge(now * 1000)) now += 0.25;
    return now - since;
  };
  assert.ok(Math.abs(again() - 300) < 1);
  assert.deepEqual([passage.fault?.kind, passage.polling], ["held", false]);
  now = stream(passage, Math.ceil(now), now + 30, 3);
  assert.equal(passage.polling, true);
  assert.ok(Math.abs(again() - 600) < 1);
});

test("one piece is enough where no heartbeat came in time, though the server answered", () => {
  const passage = new Passage();
  passage.begin();
  passage.heard(1000_000, 0, { type: "hello", newest: "1000000-0" });
  for (let now = 1000; now < 1007; now += 0.25) passage.judge(now * 1000);
  passage.mute();
  for (let now = 1007; now < 1010; now += 0.25) assert.equal(passage.judge(now * 1000), false);
  for (let sent = 1001; sent < 1005; sent++) passage.heard(1010_100, 10, { type: "metrics", id: `${sent * 1000}-0` });
  assert.equal(passage.judge(1010_250), true);
  assert.deepEqual([passage.fault?.kind, passage.polling], ["held", true]);
});

test("two streams in a row are enough of which no heartbeat comes in time, though all else does", () => {
  const passage = new Passage();
  const again = (/** @type {number} */ from) => {
    passage.begin();
    passage.heard(from * 1000, 0, { type: "hello", newest: `${from * 1000}-0` });
    for (let now = from; now < from + 6; now += 0.25) assert.equal(passage.judge(now * 1000), false);
    passage.mute();
    return passage.judge((from + 6) * 1000);
  };
  assert.equal(again(1000), false);
  assert.equal(again(1010), true);
  const other = new Passage();
  other.mute();
  for (const now of [1000_000, 1000_250]) other.judge(now);
  other.heard(1000_400, 5, { type: "heartbeat", server_time: 1000 });
  other.judge(1000_500);
  other.mute();
  assert.equal(other.judge(1000_750), false);
});

test("a heartbeat that was missed once says nothing of what comes in time after it", () => {
  const passage = new Passage();
  passage.begin();
  passage.heard(1000_000, 0, { type: "hello", newest: "1000000-0" });
  passage.mute();
  for (let now = 1001; now < 1030; now++) {
    for (const part of [0, 0.25, 0.5, 0.75]) assert.equal(passage.judge((now + part) * 1000), false);
    passage.heard(now * 1000 + 800, 1, { type: "metrics", id: `${now * 1000}-0` });
  }
});

test("a fault that was mended is taken back after a while of the stream", () => {
  const passage = new Passage();
  let now = stream(passage, 1000, 1020, 3);
  while (!passage.judge(now * 1000)) now += 0.25;
  assert.equal(stream(passage, Math.ceil(now), now + 40, 1), Infinity);
  assert.equal(passage.fault, null);
});

test("whoever was kept from working blames nobody for what came together meanwhile", () => {
  const passage = new Passage();
  passage.heard(0, 0, { type: "hello", newest: "0-0" });
  for (let now = 0; now < 60; now += 3) {
    assert.equal(passage.judge(now * 1000), false);
    for (const sent of [now - 2, now - 1, now]) passage.heard(now * 1000, 0, { type: "metrics", id: `${sent * 1000 + 1}-0` });
  }
  assert.equal(passage.fault, null);
});

test("a machine that stands still for a second now and then blames nobody, and still finds out who does hold back", () => {
  const busy = new Passage();
  busy.heard(0, 0, { type: "hello", newest: "0-0" });
  for (let now = 1; now < 120; now += 1) {
    // It looks at the full second, then stands still for 0.9 s of each three while events come every 0.1 s.
    assert.equal(busy.judge(now * 1000), false);
    const still = now % 3 === 0;
    for (let tenth = 1; tenth < 10; tenth++) {
      const sent = now * 1000 + tenth * 100;
      busy.heard(still ? now * 1000 + 900 : sent + 5, 0, { type: "metrics", id: `${sent}-0` });
      if (!still && tenth % 3 === 0) assert.equal(busy.judge(sent + 10), false);
    }
  }
  const proxied = new Passage();
  proxied.heard(0, 0, { type: "hello", newest: "0-0" });
  let found = false;
  for (let now = 3; now < 20 && !found; now += 3) {
    for (const sent of [now - 2, now - 1, now]) proxied.heard(now * 1000, 0, { type: "metrics", id: `${sent * 1000 + 1}-0` });
    for (let look = 1; look <= 12 && !found; look++) if (look !== 6 && look !== 7) found = proxied.judge(now * 1000 + look * 250);
  }
  assert.equal(found, true);
});

test("a flood that comes as it is sent, with a pause now and then, was not held back", () => {
  const marks = [];
  for (let sent = 0; sent < 30; sent += 0.02) if (sent % 3 > 0.3) marks.push({ at: sent * 1000 + 5, sent });
  assert.equal(heldBack(marks), 0);
});

test("what was there before the stream began comes all at once, and says nothing", () => {
  const passage = new Passage();
  for (let round = 0; round < 5; round++) {
    const now = 100 + 4 * round;
    passage.begin();
    passage.heard(now * 1000, 0, { type: "hello", newest: `${now * 1000}-9` });
    for (let sent = now - 30; sent <= now; sent += 3) passage.heard(now * 1000 + 400 * (sent % 2), 0, { type: "metrics", id: `${sent * 1000}-0` });
    passage.judge(now * 1000);
    assert.equal(passage.judge(now * 1000 + 500), false);
  }
});

test("a stream of which nothing comes twice, though the server answers, is held back", () => {
  const passage = new Passage();
  passage.judge(0);
  passage.mute();
  assert.equal(passage.judge(250), false);
  passage.mute();
  assert.equal(passage.judge(500), true);
  assert.equal(passage.fault?.kind, "held");
});

test("a stream that is cut off after 3 s of silence is polled with shorter waits", () => {
  const passage = new Passage();
  passage.judge(0);
  for (const silence of [3.01, 3.0, 3.02]) passage.broke(silence);
  assert.equal(passage.judge(250), true);
  assert.equal(passage.fault?.kind, "cut");
  assert.equal(passage.wait, 1.5);
});

test("a longer silence that a stream outlived speaks for the way", () => {
  const passage = new Passage();
  passage.judge(0);
  passage.broke(3.01);
  passage.heard(100, 5, { type: "heartbeat", server_time: 5 });
  passage.broke(3.02);
  assert.equal(passage.judge(250), false);
});
