// CSV as RFC 4180 has it, and what is usual besides: LF or CR alone end a row as well, empty rows are none, a quote
// within a field that does not begin with one is a quote. Quotes that break its rules are said.

// What some programs write before a text in UTF-8.
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

const OPEN = 'a quote is opened and not closed';
const BEHIND = 'there is text behind a closing quote';

/** Reads the rows of a string that has one character for each byte. */
export class Csv {
  readonly chars: string;
  /** Where the next row begins, or the line's ends before it. */
  position = 0;
  /** The rule that the quotes of the last row break. */
  broken?: string;
  #delimiter: string;
  #fieldEnd: RegExp;
  // Where the next of a character is, as far as it was looked for.
  #next = { '\n': -1, '\r': -1, '"': -1 };

  constructor(chars: string, delimiter: string) {
    this.chars = chars;
    this.#delimiter = delimiter;
    this.#fieldEnd = new RegExp(`[${delimiter.replace(/[\\\]^-]/, '\\$&')}\r\n]`, 'g');
  }

  /** The fields of the next row; undefined at the end. */
  next(): string[] | undefined {
    if (this.position === 0 && this.chars.startsWith(BYTE_ORDER_MARK)) this.position = BYTE_ORDER_MARK.length;
    this.broken = undefined;
    while (this.#isAt('\n') || this.#isAt('\r')) this.position += 1;
    if (this.position >= this.chars.length) return undefined;
    const end = Math.min(this.#find('\n'), this.#find('\r'));
    // Nearly every row has no quotes, and is cut at once.
    const fields = this.#find('"') < end ? this.#quotedRow() : this.#plainRow(end);
    if (this.position < this.chars.length) this.position += 1;
    return fields;
  }

  /** Ends a row with its first line: where its quotes are broken, what they kept together are other rows. */
  endWithLine(start: number): void {
    const line = /[\r\n]*[^\r\n]*[\r\n]?/y;
    line.lastIndex = start;
    line.test(this.chars);
    this.position = line.lastIndex;
    this.#next = { '\n': -1, '\r': -1, '"': -1 };
  }

  #isAt(char: string): boolean {
    return this.chars[this.position] === char;
  }

  // Where the next of a character is; the end where there is none.
  #find(char: '\n' | '\r' | '"'): number {
    if (this.#next[char] < this.position) {
      const found = this.chars.indexOf(char, this.position);
      this.#next[char] = found < 0 ? this.chars.length : found;
    }
    return this.#next[char];
  }

  #plainRow(end: number): string[] {
    const row = this.chars.slice(this.position, end);
    this.position = end;
    return row.split(this.#delimiter);
  }

  #quotedRow(): string[] {
    const fields = [this.#field()];
    while (this.#isAt(this.#delimiter)) {
      this.position += 1;
      fields.push(this.#field());
    }
    return fields;
  }

  // A field, up to the delimiter or the end of its row.
  #field(): string {
    const isQuoted = this.#isAt('"');
    const before = isQuoted ? this.#quotedPart() : '';
    this.#fieldEnd.lastIndex = this.position;
    const end = this.#fieldEnd.exec(this.chars)?.index ?? this.chars.length;
    if (isQuoted && end > this.position) this.broken ??= BEHIND;
    const field = before + this.chars.slice(this.position, end);
    this.position = end;
    return field;
  }

  // What is between quotes, two of them being one. Where the last one is missing, all that is left.
  #quotedPart(): string {
    let part = '';
    for (;;) {
      this.position += 1;
      const end = this.#find('"');
      if (end === this.chars.length) this.broken ??= OPEN;
      part += this.chars.slice(this.position, end);
      this.position = Math.min(end + 1, this.chars.length);
      if (!this.#isAt('"')) return part;
      part += '"';
    }
  }
}
