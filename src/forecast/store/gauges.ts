// Gauges: the module in numbers, for Prometheus.

import type { GaugeQuery } from "../../platform/module.ts";

export const forecastGauges: readonly GaugeQuery[] = [
  {
    name: "stockroom_forecast_groups",
    help: "Dataset groups, by whether there is a forecast of them",
    labels: ["forecast"],
    sql: `select case when exists (select from stockroom.forecast_run r where r.dataset_group = g.name and r.state = 'done') then 'yes' else 'no' end as forecast,
                 count(*)::float8 as value
            from stockroom.forecast_group g where g.removed_at is null group by 1`,
  },
  {
    name: "stockroom_forecast_age_seconds",
    help: "Age of the newest forecast of the group whose newest is the oldest",
    labels: [],
    sql: `select extract(epoch from clock_timestamp() - min(newest))::float8 as value
            from (select max(coalesce(r.current_at, r.ended_at)) as newest
                    from stockroom.forecast_run r join stockroom.forecast_group g on g.name = r.dataset_group
                   where r.state = 'done' and g.removed_at is null group by r.dataset_group) latest`,
  },
  {
    name: "stockroom_forecast_imports",
    help: "Imports into an ERP, by state",
    labels: ["state"],
    sql: "select state, count(*)::float8 as value from stockroom.forecast_import group by state",
  },
];
