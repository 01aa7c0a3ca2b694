// DuckDB's sums of ROWS doubles (2^27: 1 GiB) in a table of its own in memory, each query
// run again and again; run.py does not need it. In a folder of its own:
//   npm i @duckdb/node-api && node duckdb_sum.mjs [ROWS] [RUNS]
import { DuckDBInstance } from '@duckdb/node-api';

const rows = Number(process.argv[2] ?? 2 ** 27);
const runs = Number(process.argv[3] ?? 5);
const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
// Normal numbers about 100, by Box and Muller's method.
await connection.run(`create table t as select 100 + 15 * sqrt(-2 * ln(1 - random())) *
  cos(2 * pi() * random()) as x from range(${rows})`);
for (const query of ['sum(x)', 'fsum(x)', 'sum(x), avg(x), var_pop(x), min(x), max(x)']) {
  for (let run = 0; run < runs; ++run) {
    const start = performance.now();
    const result = await connection.runAndReadAll(`select ${query} from t`);
    const took = performance.now() - start;
    console.log(`${query}: ${took.toFixed(1)} ms  ${result.getRows()[0].join(' ')}`);
  }
}
