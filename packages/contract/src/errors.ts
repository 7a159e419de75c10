/**
 * The one shape of an error in Mainstem: a code for programs, a sentence for people, facts for machines.
 * Every code is listed once, with what to do about it (here those of the contract, in `runtime/errors.ts` all of them).
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: Code, message: string, facts: Readonly<Record<string, unknown>> = {}, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.facts = facts;
  }
}

/** What each code of this package means for the person who meets it. */
export const contractCodes = {
  "contract.invalid": "Mend the declaration at the places that the message names.",
  "contract.unsupported": "Declare it in one of the ways that the message offers.",
  "contract.incompatible": "Do what it says of each place, keep what was declared before, or declare a new dataset that names this one as its predecessor.",
  "avro.schema": "Mend the Avro schema at the place that the message names.",
  "avro.malformed": "The bytes are not what their schema says: they were cut, changed, or written with another schema.",
} as const;
export type ContractCode = keyof typeof contractCodes;

/** An error of the contract package. */
export class ContractError extends CodedError<ContractCode> {}
