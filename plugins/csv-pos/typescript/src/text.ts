// Bytes as text. There is no TextDecoder, so bytes are kept in strings of one character each, which the interpreter
// searches and cuts quickly, and are decoded where they are no ASCII.

// As many as a call takes arguments.
const CHUNK = 4096;

// What Unicode calls white space. What JavaScript calls so is not quite the same.
const SPACE = '[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+';
const SPACE_AROUND = new RegExp(`^${SPACE}|${SPACE}$`, 'g');

/** A string with one character for each byte. */
export function charsOf(bytes: Uint8Array): string {
  let chars = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    chars += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return chars;
}

/** The bytes of a short text in ASCII. */
export const bytesOf = (text: string) => Uint8Array.from([...text].map((char) => char.charCodeAt(0)));

/** Bytes one after the other. */
export function joined(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A text as the characters of its bytes in UTF-8. */
export const encoded = (text: string) => unescape(encodeURIComponent(text));

/** The text of bytes in UTF-8, without white space around it; undefined where they are none. */
export function trimmed(chars: string): string | undefined {
  if (!/[\x80-\xff]/.test(chars)) return chars.trim();
  try {
    return decodeURIComponent(escape(chars)).replace(SPACE_AROUND, '');
  } catch {
    return undefined;
  }
}

/** Whether a text has at most so many bytes, and none that a terminal would obey. */
export function isShort(text: string, most: number): boolean {
  // A character has at most three bytes for each of its units here.
  const fits = text.length * 3 <= most || (text.length <= most && encoded(text).length <= most);
  return fits && !/[\x00-\x1f\x7f-\x9f]/.test(text);
}
