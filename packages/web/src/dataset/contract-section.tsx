import type { AvroField, AvroType, Contract, Dataset } from "../api/answers.ts";
import { formatExact } from "../exact-json.ts";
import { DataTable, type Column } from "../parts/data-table.tsx";
import { toVisibleText, valueText } from "../visible-text.ts";
import { typeWords } from "./avro-words.ts";

/** What the team that owns the dataset declared. */
export function ContractSection({ dataset: { contract, rebuildPending } }: { readonly dataset: Dataset }) {
  return (
    <div className="section">
      <dl className="facts">
        {factsOf(contract).map(([term, words]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{typeof words === "string" ? toVisibleText(words) : <Several words={words} />}</dd>
          </div>
        ))}
      </dl>
      {rebuildPending.length > 0 && (
        <div className="notice" data-tone="late">
          <div>
            <strong>The table follows an older contract until it is rebuilt.</strong>
            <p>
              What waits: {rebuildPending.join(", ")}. <code>mainstem rebuild {contract.name}</code> builds it beside the current one and compares them.
            </p>
          </div>
        </div>
      )}
      <DataTable caption="Fields" columns={columnsOf(contract)} rows={contract.schema.fields} keyOf={({ name }) => name} dense />
    </div>
  );
}

function Several({ words }: { readonly words: readonly string[] }) {
  return (
    <ul className="several">
      {words.map((one) => (
        <li key={one}>{toVisibleText(one)}</li>
      ))}
    </ul>
  );
}

function columnsOf(contract: Contract): readonly Column<AvroField>[] {
  return [
    { head: "Field", cell: ({ name }) => <code>{name}</code> },
    { head: "Type", cell: ({ type }) => <code className="type">{toVisibleText(typeWords(type))}</code> },
    { head: "Part in the contract", cell: (field) => <Marks field={field} contract={contract} /> },
    { head: "About it", cell: ({ doc }) => (doc === undefined ? null : toVisibleText(doc)) },
  ];
}

function Marks({ field: { name, type, ...rest }, contract }: { readonly field: AvroField; readonly contract: Contract }) {
  const partition = contract.partition?.find(({ field }) => field === name);
  const marks = [
    ...(contract.key?.includes(name) === true ? ["key"] : []),
    ...(Array.isArray(contract.order) && contract.order.includes(name) ? ["order"] : []),
    ...(partition === undefined ? [] : [`partition by ${partitionWords(partition)}`]),
    ...(contract.deletes?.field === name ? ["deletes"] : []),
    ...(contract.subject === name ? ["subject"] : []),
    ...(isPersonal(type, rest) ? ["personal data"] : []),
    ...(contract.merge?.fields?.[name] === undefined ? [] : [`merge ${contract.merge.fields[name]}`]),
    // As it is declared: an empty text is a default too, and so is null.
    ...("default" in rest ? [`default ${toVisibleText(formatExact(rest.default))}`] : []),
  ];
  if (marks.length === 0) return null;
  return (
    <span className="marks">
      {marks.map((mark) => (
        <span key={mark} className="mark">
          {mark}
        </span>
      ))}
    </span>
  );
}

function isPersonal(type: AvroType, field: Readonly<Record<string, unknown>>): boolean {
  return field["pii"] === true || (typeof type === "object" && !Array.isArray(type) && (type as Readonly<Record<string, unknown>>)["pii"] === true);
}

function factsOf(contract: Contract): readonly (readonly [string, string | readonly string[]])[] {
  const { key = [], order, merge, partition = [], deletes, compatibility, checks = [], retention, predecessor } = contract;
  return [
    ["Key", key.length === 0 ? "none: every record is a row" : key.join(", ")],
    ["Order", order === undefined ? "none" : order === "log" ? "the position in the log" : (order as readonly string[]).join(", ")],
    ["Merge", mergeWords(contract)],
    ["Partition", partition.length === 0 ? "none" : partition.map((one) => `${one.field} by ${partitionWords(one)}`).join(", ")],
    ...(deletes === undefined
      ? []
      : ([["Deletes", deletes.values === undefined ? `${deletes.field} is true` : `${deletes.field} is ${deletes.values.join(" or ")}`]] as const)),
    ...(merge === undefined || compatibility === undefined ? [] : ([["Compatibility", compatibility]] as const)),
    ...(checks.length === 0 ? [] : ([["Checks", checks.map(checkWords)]] as const)),
    ...(retention === undefined ? [] : ([["Retention of the log", JSON.stringify(retention)]] as const)),
    ...(typeof predecessor === "string" ? ([["Continues", predecessor]] as const) : []),
  ];
}

const mergeMeanings: Readonly<Record<string, string>> = {
  latest: "the latest record of a key is its row",
  first: "the first record of a key is its row",
  fields: "field by field",
  none: "none: every record is a row",
};

function mergeWords({ merge }: Contract): string {
  const kind = merge?.kind ?? "–";
  return mergeMeanings[kind] ?? kind;
}

function partitionWords({ transform, width }: { readonly transform: string; readonly width?: number }): string {
  return width === undefined ? transform : `${transform}(${width})`;
}

/** A pattern may be as long as a page. */
const checkCharactersMax = 120;

function checkWords({ kind, ...rest }: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(rest).map(([name, value]) => `${name} ${valueText(value)}`);
  const words = [String(kind), ...parts].join(" ");
  return words.length <= checkCharactersMax ? words : `${words.slice(0, checkCharactersMax - 1)}…`;
}
