// An address that is none.
import { Link } from "wouter";

import { PageTitle } from "../parts/title";
import { Empty } from "../parts/trouble";

export function NotFound() {
  return (
    <>
      <PageTitle title="There is nothing here" />
      <div className="panel">
        <Empty title="This address is none of the interface">
          <Link href="/">To the overview</Link> or <Link href="/runs">to the runs</Link>.
        </Empty>
      </div>
    </>
  );
}
