// Entries: the hashed features of one item, each once, with its count.
//
// Owns: the table that finds a key again. Does not own: what is hashed (features.ts).
//   E1. Within an item a key occurs once, with its count; entries stand in the order of their first occurrence.
//   E2. The arrays are overwritten by the next item. One table is used by one thread at a time.

/** Small, so that the table of an ordinary item stays in the nearest cache. */
const USUAL_ENTRIES = 512;

/** A class, because `put` is the hottest line of labelling and its state must stay in one object of one shape. */
export class EntryTable {
  /** Entries of the item. */
  count = 0;
  keys = new Uint32Array(USUAL_ENTRIES);
  kinds = new Uint16Array(USUAL_ENTRIES);
  /** How often the feature occurs in the item, unless it was set. */
  amounts = new Float32Array(USUAL_ENTRIES);
  /** The token each entry speaks for. */
  owners = new Uint32Array(USUAL_ENTRIES);
  // Open addressing over the keys of one item; `#seenIn` makes clearing free.
  #seenIn = new Uint32Array(2 * USUAL_ENTRIES);
  #entryAt = new Uint32Array(2 * USUAL_ENTRIES);
  #round = 0;

  /** Forgets the item before. */
  begin(): void {
    this.count = 0;
    this.#round += 1;
    if (this.#round < 2 ** 32) return;
    this.#seenIn.fill(0);
    this.#round = 1;
  }

  put(hash: number, kind: number, owner: number): void {
    // mix32 by hand: the call is not always inlined here.
    let key = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    key = Math.imul(key ^ (key >>> 13), 0xc2b2ae35);
    key = (key ^ (key >>> 16)) >>> 0;
    const seenIn = this.#seenIn;
    const round = this.#round;
    const last = seenIn.length - 1;
    let slot = key & last;
    while (seenIn[slot] === round) {
      const entry = this.#entryAt[slot];
      if (this.keys[entry] === key) {
        this.amounts[entry] += 1;
        return;
      }
      slot = (slot + 1) & last;
    }
    const entry = this.count;
    seenIn[slot] = round;
    this.#entryAt[slot] = entry;
    this.keys[entry] = key;
    this.kinds[entry] = kind;
    this.amounts[entry] = 1;
    this.owners[entry] = owner;
    this.count = entry + 1;
    if (this.count === this.keys.length) this.#grow();
  }

  /** Puts an amount in the place of the count of the entry put last. */
  setAmount(amount: number): void {
    this.amounts[this.count - 1] = amount;
  }

  #grow(): void {
    const capacity = 2 * this.keys.length;
    this.keys = widen(this.keys, new Uint32Array(capacity));
    this.kinds = widen(this.kinds, new Uint16Array(capacity));
    this.amounts = widen(this.amounts, new Float32Array(capacity));
    this.owners = widen(this.owners, new Uint32Array(capacity));
    const last = 2 * capacity - 1;
    this.#seenIn = new Uint32Array(2 * capacity);
    this.#entryAt = new Uint32Array(2 * capacity);
    this.#round = 1;
    for (let entry = 0; entry < this.count; entry++) {
      let slot = this.keys[entry] & last;
      while (this.#seenIn[slot] === 1) slot = (slot + 1) & last;
      this.#seenIn[slot] = 1;
      this.#entryAt[slot] = entry;
    }
  }
}

/** The same numbers at the start of a longer array. */
export function widen<T extends Uint32Array | Uint16Array | Uint8Array | Float32Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
