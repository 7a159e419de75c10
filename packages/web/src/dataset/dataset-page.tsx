import { Anchor, Tabs } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { Link, useLocation } from "wouter";
import type { Dataset, Neighbour } from "../api/answers.ts";
import { useDataset, useInbox } from "../api/use-answers.ts";
import { ArrivalsChart } from "../charts/arrivals-chart.tsx";
import { formatAmount, formatCount } from "../numbers.ts";
import { PageTitle } from "../parts/page-title.tsx";
import { ProblemNotice } from "../parts/problem-notice.tsx";
import { TaskTable } from "../parts/task-table.tsx";
import { VerdictMark } from "../parts/verdict-mark.tsx";
import { Waiting } from "../parts/waiting.tsx";
import { When } from "../parts/when.tsx";
import { toVisibleText } from "../visible-text.ts";
import { ContractSection } from "./contract-section.tsx";
import { InboxSection } from "./inbox-section.tsx";
import { RowsSection } from "./rows-section.tsx";
import { SnapshotsSection } from "./snapshots-section.tsx";
import { useSlowly } from "./use-slowly.ts";
import { useWayCounts } from "./use-way-counts.ts";
import { VersionsSection } from "./versions-section.tsx";
import { endOf } from "./way-counts.ts";
import { Way } from "./way.tsx";

const sections = ["contract", "versions", "snapshots", "rows", "inbox", "tasks"] as const;
type Section = (typeof sections)[number];

/** One dataset: its way with live counts, and behind tabs what one may want to know of it. */
export function DatasetPage({ name, section }: { readonly name: string; readonly section: string | undefined }) {
  const { data, error, dataUpdatedAt } = useDataset(name);
  return (
    <>
      <Anchor component={Link} href="/" size="sm" className="back">
        <IconArrowLeft size={16} aria-hidden /> Datasets
      </Anchor>
      <PageTitle {...(data === undefined ? {} : { aside: <VerdictMark verdict={data.status} /> })}>{toVisibleText(name)}</PageTitle>
      <ProblemNotice error={error} shown={data !== undefined} />
      {data === undefined ? (
        error === null && <Waiting />
      ) : (
        <Shown dataset={data} seenAt={dataUpdatedAt} section={sections.find((one) => one === section) ?? "contract"} />
      )}
    </>
  );
}

function Shown({ dataset, seenAt, section }: { readonly dataset: Dataset; readonly seenAt: number; readonly section: Section }) {
  const { name, description, owner, version, appliedAt, reasons = [] } = dataset;
  const [, navigate] = useLocation();
  const counts = useWayCounts(dataset);
  const inbox = useInbox(name, useSlowly(endOf(dataset.topics.inbox)));
  const waiting = inbox.data?.entries ?? 0;
  const hrefOf = (to: Section): string => `/datasets/${encodeURIComponent(name)}/${to}`;
  return (
    <>
      {description !== undefined && <p className="lead">{toVisibleText(description)}</p>}
      <p className="dim">
        {owner === undefined ? "Nobody is named as owner" : `Owned by ${toVisibleText(owner)}`} · contract version {version}, applied <When time={appliedAt} />
      </p>
      <Succession dataset={dataset} />
      {reasons.length > 0 && (
        <div className="notice" data-tone={dataset.status === "failed" ? "bad" : "late"}>
          <div>
            {reasons.map(({ message }) => (
              <p key={message}>{toVisibleText(message)}</p>
            ))}
          </div>
        </div>
      )}
      <Way dataset={dataset} counts={counts} inbox={{ waiting, href: hrefOf("inbox") }} />
      <ArrivalsChart dataset={dataset} seenAt={seenAt} />
      <Tabs value={section} onChange={(to) => navigate(hrefOf((to ?? "contract") as Section), { replace: true })} keepMounted={false} className="panel tabs">
        <Tabs.List aria-label={`About ${name}`}>
          <Tabs.Tab value="contract">Contract</Tabs.Tab>
          <Tabs.Tab value="versions">Versions{version > 1 ? ` ${formatCount(version)}` : ""}</Tabs.Tab>
          <Tabs.Tab value="snapshots">Snapshots</Tabs.Tab>
          <Tabs.Tab value="rows">Rows</Tabs.Tab>
          <Tabs.Tab value="inbox">Inbox{waiting > 0 ? ` ${formatCount(waiting)}` : ""}</Tabs.Tab>
          <Tabs.Tab value="tasks">Tasks</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value={section} tabIndex={0}>
          {section === "inbox" ? <InboxSection name={name} inbox={inbox} /> : <SectionOf section={section} dataset={dataset} />}
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

/** What comes before and after it. */
function Succession({ dataset: { predecessor, successor } }: { readonly dataset: Dataset }) {
  const linkTo = ({ name }: Neighbour) => (
    <Anchor component={Link} href={`/datasets/${encodeURIComponent(name)}`} inherit>
      {toVisibleText(name)}
    </Anchor>
  );
  return (
    <>
      {predecessor !== null && <p className="dim">Continues {linkTo(predecessor)}</p>}
      {successor !== null && (
        <p className="dim">
          Continued by {linkTo(successor)},{" "}
          {successor.closedAt === null ? (
            "and still open"
          ) : (
            <>
              closed since <When time={successor.closedAt} />
            </>
          )}
          {successor.groups.length === 0
            ? ""
            : ` · ${formatCount(successor.groups.filter(({ moved }) => moved).length)} of ${formatAmount(successor.groups.length, "reader")} moved on`}
        </p>
      )}
    </>
  );
}

function SectionOf({ section, dataset }: { readonly section: Exclude<Section, "inbox">; readonly dataset: Dataset }) {
  switch (section) {
    case "contract":
      return <ContractSection dataset={dataset} />;
    case "versions":
      return <VersionsSection name={dataset.name} version={dataset.version} />;
    case "snapshots":
      return <SnapshotsSection name={dataset.name} current={dataset.table?.snapshot?.id} />;
    case "rows":
      return <RowsSection dataset={dataset} />;
    case "tasks":
      return <TaskTable tasks={dataset.tasks} />;
    default:
      return section satisfies never;
  }
}
