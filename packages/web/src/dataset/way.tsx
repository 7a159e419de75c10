import { Anchor, Text } from "@mantine/core";
import { IconAlertTriangle, IconArchive, IconCheck, IconDoorEnter, IconRipple, IconTable, type Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Dataset } from "../api/answers.ts";
import { formatAmount, formatCount } from "../numbers.ts";
import { Panel } from "../parts/panel.tsx";
import { When } from "../parts/when.tsx";
import type { Agreement, WayCounts, WayFault } from "./way-counts.ts";

export interface WayProps {
  readonly dataset: Dataset;
  readonly counts: WayCounts;
  /** How many records wait there, and where it is shown. */
  readonly inbox: { readonly waiting: number; readonly href: string };
}

/** The way of a dataset's records as stations on a line, with what each counts, and a sentence on whether the counts fit together. */
export function Way({ dataset, counts, inbox }: WayProps) {
  const { door, topics, archive } = dataset;
  const { appended, readable, archived, archiveWaits, tabled, tableWaits, rows, agreement } = counts;
  const faultAt = (station: WayFault["station"]): boolean => agreement.kind === "disagree" && agreement.faults.some((fault) => fault.station === station);
  return (
    <Panel title="The way of its records">
      <ol className="way">
        <Station icon={IconDoorEnter} name="Door" count={formatCount(door.accepted)} unit="accepted">
          <Line>since the server started</Line>
          <Line>{formatCount(door.refused)} refused</Line>
          <Line>
            {inbox.waiting === 0 ? (
              "none in the inbox"
            ) : (
              <Anchor component={Link} href={inbox.href} inherit>
                {formatCount(inbox.waiting)} in the inbox
              </Anchor>
            )}
          </Line>
        </Station>
        <Station icon={IconRipple} name="Log" count={formatCount(appended)} unit={appended === 1 ? "record" : "records"} wrong={faultAt("log")}>
          <Line>{readable === appended ? "all of them readable" : `${formatCount(readable)} still readable`}</Line>
          <Line>in {formatAmount(topics.records.partitions.length, "partition")}</Line>
        </Station>
        <Station
          icon={IconArchive}
          name="Archive"
          count={archived === undefined ? "–" : formatCount(archived)}
          unit={archived === 1 ? "record" : "records"}
          waits={archiveWaits}
          wrong={faultAt("archive")}
        >
          <Line>{waitingWords(archiveWaits)}</Line>
          <Line>
            complete through <When time={archive.completeThrough} />
          </Line>
        </Station>
        <Station
          icon={IconTable}
          name="Table"
          count={rows === null ? "–" : formatCount(rows)}
          unit={rows === 1 ? "row" : "rows"}
          waits={tableWaits}
          wrong={faultAt("table")}
        >
          <Line>{rows === null ? "before its first snapshot" : `of ${formatAmount(tabled, "record")}`}</Line>
          <Line>{waitingWords(tableWaits)}</Line>
          <Line>
            complete through <When time={dataset.completeThrough} />
          </Line>
        </Station>
      </ol>
      <Verdict agreement={agreement} counts={counts} />
    </Panel>
  );
}

interface StationProps {
  readonly icon: Icon;
  readonly name: string;
  readonly count: string;
  readonly unit: string;
  /** Records between the station before and this one. */
  readonly waits?: number | undefined;
  readonly wrong?: boolean;
  readonly children: ReactNode;
}

function Station({ icon: Sign, name, count, unit, waits, wrong = false, children }: StationProps) {
  const state = wrong ? "wrong" : waits !== undefined && waits > 0 ? "waits" : "even";
  return (
    <li className="station" data-state={state}>
      <span className="stop" aria-hidden>
        <Sign size={20} stroke={1.75} />
      </span>
      <div>
        <h3 className="station-name">{name}</h3>
        <p className="station-count">
          {count} <span>{unit}</span>
        </p>
        {children}
      </div>
    </li>
  );
}

function Line({ children }: { readonly children: ReactNode }) {
  return (
    <Text size="sm" c="dimmed" className="numbers">
      {children}
    </Text>
  );
}

function Verdict({ agreement, counts }: { readonly agreement: Agreement; readonly counts: WayCounts }) {
  if (agreement.kind === "disagree")
    return (
      <div className="notice" data-tone="bad" role="alert">
        <IconAlertTriangle size={20} aria-hidden />
        <div>
          <strong>These counts do not agree.</strong>
          {agreement.faults.map(({ sentence }) => (
            <p key={sentence}>{sentence}</p>
          ))}
        </div>
      </div>
    );
  if (agreement.kind === "agree")
    return (
      <p className="way-verdict">
        <IconCheck size={18} aria-hidden className="good" />
        <span>{agreeSentence(counts.appended)}</span>
      </p>
    );
  return (
    <p className="way-verdict">
      <IconCheck size={18} aria-hidden className="good" />
      <span>Nothing contradicts: {waitingSentence(counts)}.</span>
    </p>
  );
}

function agreeSentence(appended: number): string {
  if (appended === 0) return "Nothing has been sent yet.";
  const all = appended === 1 ? "the one record" : `every one of the ${formatAmount(appended, "record")}`;
  return `The counts agree: ${all} of the log is in the archive and in the table.`;
}

/** One line whatever it says, so that nothing below it moves. */
function waitingWords(waits: number | undefined): string {
  if (waits === undefined) return "not looked yet";
  return waits === 0 ? "nothing waits" : `${formatCount(waits)} on their way`;
}

function waitingSentence({ archived, archiveWaits = 0, tableWaits = 0 }: WayCounts): string {
  if (archived === undefined) return "the archive has not looked at the log since the start";
  const parts = [
    ...(archiveWaits > 0 ? [`${formatAmount(archiveWaits, "record")} on the way to the archive`] : []),
    ...(tableWaits > 0 ? [`${archiveWaits > 0 ? formatCount(tableWaits) : formatAmount(tableWaits, "record")} on the way to the table`] : []),
  ];
  return parts.join(", ");
}
