// Gauges: the module in numbers, for Prometheus.

import type { GaugeQuery } from "../../platform/module.ts";

export const classifyGauges: readonly GaugeQuery[] = [
  {
    name: "stockroom_classify_lines",
    help: "Lines (a scheme in a country), by whether a champion codes for them",
    labels: ["champion"],
    sql: `select case when exists (select from stockroom.classify_champion c where c.line = l.line) then 'yes' else 'no' end as champion,
                 count(*)::float8 as value
            from stockroom.classify_line l group by 1`,
  },
  {
    name: "stockroom_classify_models",
    help: "Models trained",
    labels: [],
    sql: "select count(*)::float8 as value from stockroom.classify_model",
  },
  {
    name: "stockroom_classify_champion_age_seconds",
    help: "Age of the champion that has been one for longest",
    labels: [],
    sql: `select extract(epoch from clock_timestamp() - min(since))::float8 as value
            from (select max(since) as since from stockroom.classify_champion group by line) latest`,
  },
  {
    name: "stockroom_classify_held",
    help: "Promotions that wait for a person",
    labels: [],
    sql: `select count(*)::float8 as value from stockroom.classify_verdict v
           where v.decision = 'held' and not exists (select from stockroom.classify_ruling r where r.verdict = v.id)
             and v.champion = (select c.model from stockroom.classify_champion c where c.line = v.line order by c.since desc limit 1)`,
  },
];
