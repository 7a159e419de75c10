import { PageTitle } from "../parts/page-title.tsx";

export function NotFoundPage() {
  return (
    <>
      <PageTitle>There is no such page</PageTitle>
      <p className="lead">The datasets and the tasks are linked at the top.</p>
    </>
  );
}
