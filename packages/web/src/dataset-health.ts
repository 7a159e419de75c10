import { verdicts, type Task, type Verdict } from "./api/answers.ts";

/** The task of a dataset with the gravest verdict, of those that have not finished; undefined while nothing runs for it. */
export function gravestOf(tasks: readonly Task[], dataset: string): Task | undefined {
  const rank = (verdict: Verdict): number => verdicts.indexOf(verdict);
  return tasksOf(tasks, dataset)
    .filter(({ state }) => state !== "finished")
    .toSorted((a, b) => rank(a.verdict) - rank(b.verdict))[0];
}

export function tasksOf(tasks: readonly Task[], dataset: string): readonly Task[] {
  return tasks.filter(({ name }) => datasetOf(name) === dataset);
}

/** A task is named for its work and its dataset: `archive.shop.orders`. */
export function datasetOf(task: string): string {
  return task.slice(task.indexOf(".") + 1);
}
