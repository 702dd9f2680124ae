// What one call hands to the next: how many rows came before, the line of names, how often each receipt was begun, and
// the bytes from the first row on that is not done with.

import { malformed } from './failure.js';
import { bytesOf, charsOf, joined } from './text.js';
import { Receipts } from './receipts.js';

// The most bytes that wait for the next piece: a receipt of as many rows as a command has lines, of 128 bytes each.
const MAX_REST = 128 * 1024;
// Longer than the numbers of the first line are.
const MAX_HEAD = 80;
const NOTHING = new Uint8Array();

/** Reads what a call handed over; names and rest as bytes. */
export function readCarry(bytes) {
  if (bytes.length === 0) return { rows: 0, names: NOTHING, receipts: new Receipts(), rest: NOTHING };
  const head = charsOf(bytes.subarray(0, MAX_HEAD)).split('\n', 1)[0];
  const numbers = /^(\d{1,15}) (\d{1,15}) (\d{1,15}) (\d{1,15})$/.exec(head)?.slice(1).map(Number);
  if (!numbers) throw foreign();
  const [rows, ...lengths] = numbers;
  let at = head.length + 1;
  const [names, old, young] = lengths.map((length) => bytes.subarray(at, (at += length)));
  if (at > bytes.length || old.length % Receipts.BYTES !== 0 || young.length % Receipts.BYTES !== 0) throw foreign();
  return { rows, names, receipts: new Receipts(old, young), rest: bytes.subarray(at) };
}

/** What to hand over. */
export function writeCarry({ rows, names, receipts, rest }) {
  if (rest.length > MAX_REST) {
    throw malformed('body', '', `a row or receipt is longer than ${MAX_REST} bytes`);
  }
  const [old, young] = receipts.grown();
  const head = bytesOf(`${rows} ${names.length} ${old.length} ${young.length}\n`);
  return joined(head, names, old, young, rest);
}

const foreign = () => malformed('carry', '', 'it is not what this plugin hands over');
