import { createHash } from "node:crypto";
import type { ObjectKey } from "../objects/index.ts";
import { uuidText } from "./bounds.ts";
import { corrupt } from "./avro-file.ts";

/**
 * A uuid made from an object's bytes: the first 16 bytes of their SHA-256 as a uuid of version 8 (RFC 9562, section 5.8).
 * Metadata objects carry it in their names, so that whoever is led to one can tell whether it is still what was written:
 * neither JSON nor Avro's deflate has a checksum.
 */
export function contentUuid(bytes: Uint8Array): string {
  const digest = createHash("sha256").update(bytes).digest().subarray(0, 16);
  digest[6] = (digest[6]! & 0x0f) | 0x80;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  return uuidText(digest);
}

/** Throws `table.corrupt` when the object's name says that it had other bytes. Other programs' names say nothing. */
export function checkContent(key: ObjectKey, bytes: Uint8Array): void {
  const named = /([0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})(?:-m\d+)?\.(?:avro|metadata\.json)$/.exec(key)?.[1];
  if (named !== undefined && named !== contentUuid(bytes)) throw corrupt(key, "its bytes have changed since it was written");
}
