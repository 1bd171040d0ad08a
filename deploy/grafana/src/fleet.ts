// All runs side by side, and the supervisor that watches them.
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as table from "@grafana/grafana-foundation-sdk/table";

import {badBelow, badFrom, instant, lines, neutral, number, query, source, sourceVariable} from "./panels.js";

// Series of the supervisors, not of sidecars; alerts and rules are of the same job.
const job = "job=\"lehr\"";

function runsTable() {
  const columns: [metric: string, title: string, unit: string][] = [
    [`lehr_run_step{${job}}`, "Step", "none"],
    [`lehr_run_temperature{${job}}`, "Temperature", "short"],
    [`lehr_run_mean_loss{${job}}`, "Mean loss", "short"],
    [`lehr_run_noise_stddev{${job}}`, "Noise", "short"],
    [`lehr_run_dead_examples{${job}}`, "Dead examples", "none"],
    [`lehr_run_tied_share{${job}}`, "Tied losses", "percentunit"],
    [`lehr_run_commands_total{${job}}`, "Commands", "none"],
    [`lehr_run_connected_ranks{${job}}`, "Ranks connected", "none"],
    [`lehr_run_world_size{${job}}`, "of", "none"],
    [`lehr_run_stalled{${job}}`, "Stalled", "none"],
    [`time() - lehr_run_last_seen_timestamp_seconds{${job}}`, "Last seen", "s"],
  ];
  const letter = (i: number) => String.fromCharCode("A".charCodeAt(0) + i);
  const panel =
      new table.PanelBuilder()
          .title("Runs")
          .description(
              "The runs whose ranks connected last and that have not ended; a name leads to its dashboard.")
          .datasource(source)
          .height(10)
          .span(24)
          .sortBy([new common.TableSortByFieldStateBuilder().displayName("Stalled").desc(true)])
          .withTransformation({id: "joinByField", options: {byField: "run", mode: "outer"}})
          .withTransformation({
            id: "filterFieldsByName",
            options: {include: {pattern: "^(run|Value #.)$"}},
          })
          .overrideByName("run", [
            {id: "displayName", value: "Run"},
            {
              id: "links",
              value: [
                {
                  title: "This run in depth",
                  url:
                      "/d/lehr-run?var-run=${__value.raw:percentencode}&var-datasource=${datasource}&${__url_time_range}",
                },
              ],
            },
          ]);
  columns.forEach(([expr, title, unit], i) => {
    panel.withTarget(instant(expr, letter(i)));
    panel.overrideByName(`Value #${letter(i)}`, [
      {id: "displayName", value: title},
      {id: "unit", value: unit},
    ]);
  });
  return panel;
}

export function fleetDashboard() {
  return new dashboard.DashboardBuilder("Lehr: all runs")
      .uid("lehr-fleet")
      .description("Which run is stuck, since when, what Lehr did about it and whether it helped.")
      .tags(["lehr"])
      .refresh("15s")
      .time({from: "now-3h", to: "now"})
      .timezone("browser")
      .tooltip(dashboard.DashboardCursorSync.Crosshair)
      .withVariable(sourceVariable())

      .withPanel(number("Supervisors", `sum(up{${job}})`, "That answer Prometheus.")
                     .thresholds(badBelow(1)))
      .withPanel(number("Runs", `count(lehr_run_step{${job}}) or vector(0)`, "That have not ended.")
                     .thresholds(neutral))
      .withPanel(
          number(
              "Stalled",
              `sum(lehr_run_stalled{${job}}) or vector(0)`,
              "Runs whose loss reheat saw stall, and that are no better since.",
              )
              .thresholds(badFrom(1)),
          )
      .withPanel(
          number(
              "Silent",
              `count(time() - lehr_run_last_seen_timestamp_seconds{${job}} > 600) or vector(0)`,
              "Runs that have not been heard of for ten minutes.",
              )
              .thresholds(badFrom(1)),
          )
      .withPanel(
          number(
              "Dead examples",
              `sum(lehr_run_dead_examples{${job}} > 0) or vector(0)`,
              "Of runs of scope dataset: their loss is high and does not move.",
              )
              .thresholds(badFrom(1)),
          )
      .withPanel(
          number(
              "Replicas differ",
              `sum(lehr_run_replicas_differ{${job}}) or vector(0)`,
              "Runs whose replicas held different parameters.",
              )
              .thresholds(badFrom(1)),
          )
      .withPanel(
          number(
              "Breakers open",
              `sum(lehr_run_breaker_open{${job}}) or vector(0)`,
              "Runs whose loss exploded after a perturbation: Lehr only observes them.",
              )
              .thresholds(badFrom(1)),
          )
      .withPanel(
          number(
              "Alerts",
              `count(ALERTS{alertname=~"Lehr.*", alertstate="firing"}) or vector(0)`,
              "That fire now.",
              )
              .thresholds(badFrom(1)),
          )

      .withPanel(runsTable())

      .withPanel(
          lines(
              "Temperature", "short",
              "Magnitude of the losses times their imbalance. It grows with their number.")
              .withTarget(
                  query(`lehr_run_temperature{${job}}`, "{{run}}"),
                  ),
          )
      .withPanel(lines("Mean loss", "short", "Of the newest losses.")
                     .withTarget(query(`lehr_run_mean_loss{${job}}`, "{{run}}")))
      .withPanel(
          lines("Root mean square", "short", "Of the newest losses: the form to compare runs by.")
              .withTarget(
                  query(`lehr_run_root_mean_square{${job}}`, "{{run}}"),
                  ),
          )
      .withPanel(
          lines("Commands", "none", "Decisions that commanded something, in five minutes.")
              .withTarget(
                  query(`increase(lehr_run_commands_total{${job}}[5m])`, "{{run}}"),
                  ),
          )

      .withRow(new dashboard.RowBuilder("Supervisor"))
      .withPanel(
          lines("Decisions", "ops", "By reason.")
              .withTarget(
                  query(
                      `sum by (reason) (rate(lehr_decisions_total{${job}}[$__rate_interval])) > 0`,
                      "{{reason}}"),
                  ),
          )
      .withPanel(
          lines("Outcomes of commands", "ops", "As the ranks report them.")
              .withTarget(
                  query(
                      `sum by (result) (rate(lehr_command_outcomes_total{${
                          job}}[$__rate_interval]))`,
                      "{{result}}"),
                  ),
          )
      .withPanel(
          lines("Decision latency", "s", "From the last report of a step to its decision.")
              .withTarget(
                  query("instance:lehr_decision_latency_seconds:p99_5m", "99 %, {{instance}}"))
              .withTarget(
                  query(
                      `histogram_quantile(0.5, sum by (instance, le) (rate(lehr_decision_latency_seconds_bucket{${
                          job}}[5m])))`,
                      "50 %, {{instance}}",
                      ),
                  ),
          )
      .withPanel(
          lines(
              "Barrier wait", "s",
              "From the first report of a step to its last: how far the slowest rank is behind.")
              .withTarget(query("instance:lehr_barrier_wait_seconds:p99_5m", "99 %, {{instance}}"))
              .withTarget(
                  query(
                      `histogram_quantile(0.5, sum by (instance, le) (rate(lehr_barrier_wait_seconds_bucket{${
                          job}}[5m])))`,
                      "50 %, {{instance}}",
                      ),
                  ),
          )
      .withPanel(
          lines("Journal", "s", "One write to the disk, sync included.")
              .withTarget(
                  query("instance:lehr_journal_commit_seconds:p99_5m", "99 %, {{instance}}"),
                  ),
          )
      .withPanel(
          lines("Reports", "ops", "Messages with losses, and those that were refused.")
              .withTarget(query(
                  `sum(rate(lehr_report_messages_total{${job}}[$__rate_interval]))`, "reports"))
              .withTarget(query(
                  `sum(rate(lehr_reports_refused_total{${job}}[$__rate_interval]))`, "refused")),
          )
      .withPanel(lines("Streams", "none", "Of ranks and sidecars.")
                     .withTarget(query(`lehr_streams{${job}}`, "{{instance}}")))
      .withPanel(
          lines("Losses left out", "ops", "By reason.")
              .withTarget(
                  query(
                      `sum by (reason) (rate(lehr_losses_left_out_total{${
                          job}}[$__rate_interval]))`,
                      "{{reason}}"),
                  ),
          )
      .withPanel(
          lines("Processors", "none", "That lehrd keeps busy.")
              .withTarget(
                  query(
                      `rate(process_cpu_seconds_total{${job}}[$__rate_interval])`, "{{instance}}"),
                  ),
          )
      .withPanel(
          lines("Memory", "bytes", "In RAM.")
              .withTarget(query(`process_resident_memory_bytes{${job}}`, "{{instance}}")),
      );
}
