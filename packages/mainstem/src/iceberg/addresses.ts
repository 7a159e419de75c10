import { isObjectKey, parseObjectKey, type ObjectKey } from "../objects/index.ts";
import { assert } from "../runtime/assert.ts";
import { MainstemError } from "../runtime/errors.ts";

/** Where the objects of a dataset's table are: `tables/<namespace>/<name>`. */
export function tablePrefix(dataset: string): ObjectKey {
  const dot = dataset.lastIndexOf(".");
  const [namespace, name] = [dataset.slice(0, dot), dataset.slice(dot + 1)];
  return parseObjectKey(dot < 0 ? `tables/${dataset}` : `tables/${namespace}/${name}`);
}

/** Turns the addresses in a table's metadata into object keys, and back. */
export interface Addresses {
  /** `table.corrupt`, naming `of`, for an address outside the table's location. */
  keyOf(address: string, of: { readonly key: string }): ObjectKey;
  /** As `keyOf`, but undefined for an address outside. */
  find(address: string): ObjectKey | undefined;
  addressOf(key: ObjectKey): string;
}

/**
 * Addresses relative to the location that the metadata itself names, not to where it was found: so a data directory that was moved
 * still reads its tables, although their metadata names the old place.
 */
export function createAddresses({ location, prefix }: { readonly location: string; readonly prefix: ObjectKey }): Addresses {
  const base = `${plain(location)}/`;
  const find = (address: string): ObjectKey | undefined => {
    const text = plain(address);
    const found = `${prefix}/${text.slice(base.length)}`;
    return text.startsWith(base) && isObjectKey(found) ? found : undefined;
  };
  return {
    find,
    keyOf: (address, { key }) => {
      const found = find(address);
      if (found !== undefined) return found;
      const sentence = `Object ${key} names ${address.slice(0, 500)}, which lies outside the table's location ${location}.`;
      throw new MainstemError("table.corrupt", sentence, { key, address: address.slice(0, 500), location });
    },
    addressOf: (key) => {
      assert(key.startsWith(`${prefix}/`), "a table's objects are below its prefix");
      return `${location}/${key.slice(prefix.length + 1)}`;
    },
  };
}

/** Hadoop writes `file:/a`, others `file:///a` for one place. */
function plain(address: string): string {
  return address.replace(/^file:\/\/\/(?!\/)/, "file:/");
}
