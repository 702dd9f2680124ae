// What one call hands to the next: how many rows came before, the line of names, how often each receipt was begun, and
// the bytes from the first row on that is not done with.

import { malformed } from './failure';
import { bytesOf, charsOf, joined } from './text';
import { Receipts } from './receipts';

// The most bytes that wait for the next piece: a receipt of as many rows as a command has lines, of 128 bytes each.
const MAX_REST = 128 * 1024;
// Longer than the numbers of the first line are.
const MAX_HEAD = 80;
const NOTHING = new Uint8Array();

/** What is handed over; names and rest as bytes. */
interface Carry {
  /** Rows before the rest. */
  rows: number;
  /** The line of names as it stands in the file; empty before the first piece. */
  names: Uint8Array;
  receipts: Receipts;
  rest: Uint8Array;
}

/** Reads what a call handed over. */
export function readCarry(bytes: Uint8Array): Carry {
  if (bytes.length === 0) return { rows: 0, names: NOTHING, receipts: new Receipts(), rest: NOTHING };
  const [head = ''] = charsOf(bytes.subarray(0, MAX_HEAD)).split('\n', 1);
  const numbers = /^(\d{1,15}) (\d{1,15}) (\d{1,15}) (\d{1,15})$/.exec(head)?.slice(1).map(Number);
  if (!numbers) throw foreign();
  const [rows, ...lengths] = numbers as [number, number, number, number];
  let at = head.length + 1;
  const parts = lengths.map((length) => bytes.subarray(at, (at += length)));
  const [names, old, young] = parts as [Uint8Array, Uint8Array, Uint8Array];
  if (at > bytes.length || old.length % Receipts.BYTES !== 0 || young.length % Receipts.BYTES !== 0) throw foreign();
  return { rows, names, receipts: new Receipts(old, young), rest: bytes.subarray(at) };
}

/** What to hand over. */
export function writeCarry({ rows, names, receipts, rest }: Carry): Uint8Array {
  if (rest.length > MAX_REST) {
    throw malformed('body', '', `a row or receipt is longer than ${MAX_REST} bytes`);
  }
  const [old, young] = receipts.grown();
  const head = bytesOf(`${rows} ${names.length} ${old.length} ${young.length}\n`);
  return joined(head, names, old, young, rest);
}

const foreign = () => malformed('carry', '', 'it is not what this plugin hands over');
