// Why nothing is made of a message: which field, which value, which rule. What is thrown becomes the failure that the
// node keeps with the message.

// Values are shown to find the place, not to keep the message: the message itself is kept beside the failure.
const MAX_VALUE = 80;

/** The message breaks its own format. */
export const malformed = (field, value, rule) => failure('malformed', field, value, rule);

/** The message, or a setting, breaks a rule of the trade. */
export const rejected = (field, value, rule) => failure('rejected', field, value, rule);

function failure(tag, field, value, rule) {
  return { tag, val: { field, value: Array.from(value).slice(0, MAX_VALUE).join(''), rule } };
}

const NAMED_ESCAPES = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '\\0' };

/** A text between quotes, with nothing in it that a line of the log cannot show. */
export function quoted(text) {
  const escaped = (char) => NAMED_ESCAPES[char] ?? `\\u{${char.charCodeAt(0).toString(16)}}`;
  return `"${text.replace(/["\\\x00-\x1f\x7f-\x9f]/g, escaped)}"`;
}
