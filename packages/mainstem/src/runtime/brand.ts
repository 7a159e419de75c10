declare const brand: unique symbol;
/** A type of its own over a plain value: made once at the edge, trusted inside. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
