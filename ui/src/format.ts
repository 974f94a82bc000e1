// How figures are written for people. Sizes are decimal, as the command line writes them.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function bytes(size: number): string {
  let value = size;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  return `${minutes} min ${String(rest).padStart(2, "0")} s`;
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** Says how long ago a moment was; `now` and `then` are milliseconds. */
export function ago(then: number, now: number): string {
  const seconds = Math.round((now - then) / 1000);
  const [size, suffix] = [Math.abs(seconds), seconds < 0 ? "from now" : "ago"];
  if (size < 5) return "just now";
  if (size < 60) return `${size} s ${suffix}`;
  if (size < 3600) return `${Math.floor(size / 60)} min ${suffix}`;
  if (size < 48 * 3600) return `${Math.floor(size / 3600)} h ${suffix}`;
  return `${Math.floor(size / 86_400)} d ${suffix}`;
}

/** Writes a number with zeros before it. */
export function padded(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}

/** Writes a moment exactly, in the time zone of the one who reads it. */
export function exact(time: string): string {
  const moment = new Date(time);
  const offset = -moment.getTimezoneOffset();
  const zone =
    offset === 0
      ? "UTC"
      : `UTC${offset < 0 ? "-" : "+"}${padded(Math.floor(Math.abs(offset) / 60))}:${padded(Math.abs(offset) % 60)}`;
  return (
    `${moment.getFullYear()}-${padded(moment.getMonth() + 1)}-${padded(moment.getDate())} ` +
    `${padded(moment.getHours())}:${padded(moment.getMinutes())}:${padded(moment.getSeconds())}.${padded(moment.getMilliseconds(), 3)} ${zone}`
  );
}

/** The part of an id that tells it from others made about the same time. */
export function shortId(id: string): string {
  return id.slice(-8);
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.split("/").at(-1) ?? path;
}

/** Quotes a word for a POSIX shell. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:=,+@%-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
