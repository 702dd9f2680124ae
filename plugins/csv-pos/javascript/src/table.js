// The rows of a file that may come in pieces.

import { readCarry, writeCarry } from './carry.js';
import { Csv } from './csv.js';
import { malformed } from './failure.js';
import { charsOf, encoded, joined } from './text.js';

/** The rows of a piece. */
export class Table {
  // The line of names and what follows it, as they stand in the file.
  #names;
  #bytes;
  #csv;
  #places;
  #width;
  // Rows of the file before those that this call reads.
  #rowsBefore;
  // Where each row that was read begins.
  #rows = [];
  #last;
  // Where the bytes begin that are no complete row yet.
  #rest = 0;

  /** Opens a piece: what the last call left, and what came now. */
  constructor(piece, { delimiter, columns }) {
    const { rows, names, receipts, rest } = readCarry(piece.carry);
    const bytes = joined(rest, piece.bytes);
    const chars = charsOf(bytes);
    const begin = names.length === 0 ? endOfNames(chars, delimiter, piece.last) : 0;
    this.receipts = receipts;
    this.#names = begin > 0 ? bytes.subarray(0, begin) : names;
    this.#bytes = bytes.subarray(begin);
    this.#csv = new Csv(chars.slice(begin), delimiter);
    const named = new Csv(charsOf(this.#names), delimiter).next();
    if (!named) throw noNames();
    this.#places = placesOf(named, columns);
    this.#width = named.length;
    this.#rowsBefore = rows;
    this.#last = piece.last;
  }

  /** The next row that is known to be complete. */
  next() {
    const start = this.#csv.position;
    const fields = this.#csv.next();
    const end = this.#csv.position;
    // A row that ends where the piece does may go on in the next one.
    if (!fields || (!this.#last && end >= this.#csv.chars.length)) {
      this.#rest = fields ? start : end;
      return undefined;
    }
    const { broken } = this.#csv;
    if (broken) this.#csv.endWithLine(start);
    this.#rows.push(start);
    this.#rest = this.#csv.position;
    const number = this.#rowsBefore + this.#rows.length;
    return { fields, broken, places: this.#places, width: this.#width, number, start };
  }

  /** What the next call needs, its rows from a place on not being done with. */
  carry(from = this.#rest) {
    if (this.#last) return new Uint8Array();
    const begin = Math.min(from, this.#rest);
    const done = this.#rows.filter((start) => start < begin).length;
    const rest = this.#bytes.subarray(begin);
    return writeCarry({ rows: this.#rowsBefore + done, names: this.#names, receipts: this.receipts, rest });
  }
}

// Where the line of names ends, which must be whole: the first piece is longer than it.
function endOfNames(chars, delimiter, last) {
  const csv = new Csv(chars, delimiter);
  if (!csv.next() || csv.broken || (!last && csv.position === chars.length)) throw noNames();
  return csv.position;
}

const noNames = () => malformed('body', '', 'it must begin with a line of column names');

// Which field each column is.
function placesOf(named, columns) {
  const names = named.map((chars) => chars.replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, ''));
  const places = {};
  for (const [key, name] of Object.entries(columns)) {
    if (name === undefined) continue;
    const place = names.indexOf(encoded(name));
    if (place < 0) throw malformed('columns', name, 'the line of names has no such column');
    if (place !== names.lastIndexOf(encoded(name))) throw malformed('columns', name, 'the line of names has it twice');
    places[key] = place;
  }
  return places;
}
