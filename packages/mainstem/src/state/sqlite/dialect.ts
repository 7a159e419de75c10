import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from "kysely";

/**
 * Kysely over one `node:sqlite` connection. Kysely itself lets one caller at a time have the connection of such a dialect.
 * Transactions begin `immediate`: one that starts with a read could otherwise find at its first write that another was faster.
 */
export function createSqliteDialect(database: DatabaseSync): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => createDriver(database),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

function createDriver(database: DatabaseSync): Driver {
  const connection = createConnection(database);
  const execute = async (sql: string): Promise<void> => database.exec(sql);
  return {
    init: async () => undefined,
    acquireConnection: async () => connection,
    beginTransaction: () => execute("begin immediate"),
    commitTransaction: () => execute("commit"),
    // A failed commit, a full disk among its causes, may have rolled back already.
    rollbackTransaction: async () => (database.isTransaction ? await execute("rollback") : undefined),
    releaseConnection: async () => undefined,
    destroy: async () => database.close(),
  };
}

function createConnection(database: DatabaseSync): DatabaseConnection {
  /** One for each text; the queries of the state are a fixed, small set. */
  const statements = new Map<string, StatementSync>();

  function prepare(sql: string): StatementSync {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  }

  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      const statement = prepare(sql);
      const values = parameters as readonly SQLInputValue[];
      if (statement.columns().length > 0) return { rows: statement.all(...values) as R[] };
      const { changes, lastInsertRowid } = statement.run(...values);
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
    },
    streamQuery() {
      throw new Error("the state streams no query");
    },
  };
}
