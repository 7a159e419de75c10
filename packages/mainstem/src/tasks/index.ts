export { openTasks } from "./tasks.ts";
export type { TaskControl, Tasks, TasksOptions } from "./tasks.ts";
export { taskStates } from "./task.ts";
export type { LeasedContext, Pause, Progress, ResetTarget, Task, TaskContext, TaskState, TaskStatus } from "./task.ts";
export { verdicts } from "./verdict.ts";
export type { Verdict } from "./verdict.ts";
