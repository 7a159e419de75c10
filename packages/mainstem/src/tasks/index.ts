export { taskStates } from "./task.ts";
export type { Progress, Task, TaskContext, TaskStatus } from "./task.ts";
export { openTasks } from "./tasks.ts";
export type { Tasks, TasksOptions } from "./tasks.ts";
