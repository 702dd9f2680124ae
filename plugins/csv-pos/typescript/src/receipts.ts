// How often each receipt of the file was begun.

// How many receipts are remembered before those begin to be forgotten that came before them. A till that interrupts a
// receipt goes on with it sooner.
const GENERATION = 20_000;

/** Those of the calls before are two tables of bytes; only what is looked for is looked at. */
export class Receipts {
  /** What stands for a receipt: a hash of its name, and how often it was begun. */
  static BYTES = 2 * Float64Array.BYTES_PER_ELEMENT;

  #old: Sorted;
  #young: Sorted;
  // Those of this call, by name.
  #new = new Map<string, number>();

  constructor(old: Uint8Array = new Uint8Array(), young: Uint8Array = new Uint8Array()) {
    this.#old = new Sorted(old);
    this.#young = new Sorted(young);
  }

  /** A receipt begins: how often it did, this time included. */
  begin(name: string): number {
    const times = (this.#new.get(name) ?? this.#before(name)) + 1;
    this.#new.set(name, times);
    return times;
  }

  /** A receipt that was begun in this call will be read again. */
  takeBack(name: string): void {
    const times = (this.#new.get(name) ?? 0) - 1;
    this.#new.delete(name);
    if (times > this.#before(name)) this.#new.set(name, times);
  }

  /** What the next call needs: the old ones and the young ones, as bytes. */
  grown(): [old: Uint8Array, young: Uint8Array] {
    this.#young.take(this.#new);
    const young = this.#young.bytes();
    return this.#young.size > GENERATION ? [young, new Uint8Array()] : [this.#old.bytes(), young];
  }

  #before(name: string): number {
    if (this.#young.size === 0 && this.#old.size === 0) return 0;
    const hash = hashOf(name);
    return this.#young.get(hash) || this.#old.get(hash);
  }
}

/** Receipts by hash: hash and times in turn. */
class Sorted {
  #numbers: Float64Array;
  #length: number;

  constructor(bytes: Uint8Array) {
    // In a buffer of its own: numbers lie at multiples of their size.
    this.#numbers = new Float64Array(bytes.slice().buffer);
    this.#length = this.#numbers.length;
  }

  get size(): number {
    return this.#length / 2;
  }

  get(hash: number): number {
    const place = this.#place(hash);
    return this.#has(hash, place) ? (this.#numbers[place + 1] ?? 0) : 0;
  }

  /** Takes receipts in, whose times count where they are there already. */
  take(times: Map<string, number>): void {
    const numbers = new Float64Array(this.#length + 2 * times.size);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    for (const [name, count] of times) this.#insert(hashOf(name), count);
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#numbers.buffer, 0, this.#length * Float64Array.BYTES_PER_ELEMENT);
  }

  #insert(hash: number, count: number): void {
    const place = this.#place(hash);
    if (!this.#has(hash, place)) {
      this.#numbers.copyWithin(place + 2, place, this.#length);
      this.#length += 2;
      this.#numbers[place] = hash;
    }
    this.#numbers[place + 1] = count;
  }

  #has(hash: number, place: number): boolean {
    return place < this.#length && this.#numbers[place] === hash;
  }

  // Where a hash is, or would be.
  #place(hash: number): number {
    const numbers = this.#numbers;
    let [from, to] = [0, this.#length / 2];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((numbers[2 * middle] ?? Infinity) < hash) from = middle + 1;
      else to = middle;
    }
    return 2 * from;
  }
}

// Two hashes of 32 bits (FNV-1a, RFC 9923, with the offset basis and its complement) as one number of 53, as exact as
// numbers are. Two receipts of one hash cost no more than a number behind the second.
function hashOf(name: string): number {
  let [one, other] = [0x811c9dc5, 0x7ee3623a];
  for (let at = 0; at < name.length; at += 1) {
    const code = name.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x01000193);
  }
  return (one >>> 0) * 2 ** 21 + (other >>> 11);
}
