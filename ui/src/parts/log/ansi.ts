// Colors and weights of terminals in log lines (SGR sequences); all other control sequences are left out.

export interface Piece {
  text: string;
  classes: string;
}

// Control characters are what is looked for.
// oxlint-disable no-control-regex
const SEQUENCE =
  /\u001B\[([0-9;]*)([A-Za-z])|\u001B\][^\u0007\u001B]*(?:\u0007|\u001B\\)|[\u0000-\u0008\u000B-\u001F\u007F]/g;
// oxlint-enable no-control-regex

/** Cuts a line where its look changes. A line without sequences is one piece. */
export function pieces(line: string): Piece[] {
  const found: Piece[] = [];
  let look: Look = {};
  let at = 0;
  for (const match of line.matchAll(SEQUENCE)) {
    if (match.index > at) found.push({ text: line.slice(at, match.index), classes: classesOf(look) });
    if (match[2] === "m") look = changed(look, match[1] ?? "");
    at = match.index + match[0].length;
  }
  if (at < line.length || found.length === 0) found.push({ text: line.slice(at), classes: classesOf(look) });
  return found;
}

interface Look {
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underlined?: boolean;
  color?: number;
}

function changed(look: Look, codes: string): Look {
  let next = { ...look };
  const numbers = codes.split(";").map(Number);
  for (let index = 0; index < numbers.length; index += 1) {
    const code = numbers[index] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underlined = true;
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 23) next.italic = false;
    else if (code === 24) next.underlined = false;
    else if (code >= 30 && code <= 37) next.color = code - 30;
    else if (code >= 90 && code <= 97) next.color = code - 90;
    else if (code === 39) delete next.color;
    // Colors of larger palettes and grounds are not shown, so that every text can be read.
    else if (code === 38 || code === 48) index += numbers[index + 1] === 5 ? 2 : 4;
  }
  return next;
}

function classesOf({ bold, dim, italic, underlined, color }: Look): string {
  return [
    bold === true && "ansi-bold",
    dim === true && "ansi-dim",
    italic === true && "ansi-italic",
    underlined === true && "ansi-underlined",
    color !== undefined && `ansi-${color}`,
  ]
    .filter(Boolean)
    .join(" ");
}
