/** How a collector's fault is told: who, and in which line of which file if it was raised there. */
const COLLECTOR = /^collector ([^:]+): (?:(?:\/|[A-Za-z]:\\)(?:[^:]*[/\\])?([^/\\:]+):(\d+): )?(.*)$/s;

/**
 * A cause in few words, for where there may be room for no more than its beginning: what is wrong comes before where it
 * is, a file by its name alone, and nothing is said that the page shows beside it.
 * @param {string} cause
 */
export function brief(cause) {
  const [, name, file, line, error] = COLLECTOR.exec(cause) ?? [];
  if (name === undefined) return cause.replace(/: it (was )?/, ": ").replace(/ and is tried anew$/, "");
  // A collector is called as its file is, which needs no second mention.
  const place = file === undefined ? "" : file === `${name}.py` ? ` line ${line}` : ` ${file} line ${line}`;
  return `${error} · collector ${name}${place && `,${place}`}`;
}
