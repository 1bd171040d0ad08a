// One run in depth.
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";

import {badFrom, lines, neutral, number, query, source, sourceVariable} from "./panels.js";

const run = "job=\"lehr\", run=\"$run\"";

// A mark on every panel where the run was commanded something.
function commandMarks() {
  return new dashboard.AnnotationQueryBuilder()
      .name("Commands")
      .datasource(source)
      .enable(true)
      .iconColor("orange")
      .expr(`increase(lehr_run_commands_total{${run}}[1m]) > 0`)
      .step("60s")
      .titleFormat("Commands to {{run}}");
}

export function runDashboard() {
  return new dashboard.DashboardBuilder("Lehr: one run")
      .uid("lehr-run")
      .description("Temperature, losses and noise of a run, with its commands marked.")
      .tags(["lehr"])
      .refresh("15s")
      .time({from: "now-1h", to: "now"})
      .timezone("browser")
      .tooltip(dashboard.DashboardCursorSync.Crosshair)
      .withVariable(sourceVariable())
      .withVariable(
          new dashboard.QueryVariableBuilder("run")
              .label("Run")
              .datasource(source)
              .query("label_values(lehr_run_step{job=\"lehr\"}, run)")
              .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
              .sort(dashboard.VariableSort.AlphabeticalCaseInsensitiveAsc),
          )
      .annotation(commandMarks())
      .link(
          new dashboard.DashboardLinkBuilder("All runs")
              .type(dashboard.DashboardLinkType.Link)
              .url("/d/lehr-fleet")
              .keepTime(true),
          )

      .withPanel(
          number("Step", `lehr_run_step{${run}}`, "Of the newest decision.").thresholds(neutral))
      .withPanel(
          number(
              "Last seen", `time() - lehr_run_last_seen_timestamp_seconds{${run}}`, "Since then.")
              .unit("s")
              .thresholds(badFrom(600)),
          )
      .withPanel(
          number(
              "Stalled",
              `lehr_run_stalled{${run}}`,
              "1 from a stall that reheat saw until the run is better than before it.",
              )
              .thresholds(badFrom(1)),
          )
      .withPanel(number("Dead examples", `lehr_run_dead_examples{${run}}`, "Scope dataset.")
                     .thresholds(badFrom(1)))
      .withPanel(number("Commands", `lehr_run_commands_total{${run}}`, "Since the run began.")
                     .thresholds(neutral))
      .withPanel(
          number(
              "Missing ranks",
              `lehr_run_world_size{${run}} - lehr_run_connected_ranks{${run}}`,
              "Without a live stream.",
              )
              .thresholds(badFrom(1)),
          )
      .withPanel(number("Breaker open", `lehr_run_breaker_open{${run}}`, "1: Lehr only observes.")
                     .thresholds(badFrom(1)))
      .withPanel(
          number(
              "Replicas differ", `lehr_run_replicas_differ{${run}}`,
              "1: their parameters drifted apart.")
              .thresholds(badFrom(1)),
          )

      .withPanel(
          lines("Temperature", "short", "Magnitude times imbalance.")
              .withTarget(query(`lehr_run_temperature{${run}}`, "temperature")),
          )
      .withPanel(
          lines("Losses", "short", "Of the newest decision.")
              .withTarget(query(`lehr_run_mean_loss{${run}}`, "mean"))
              .withTarget(query(`lehr_run_root_mean_square{${run}}`, "root mean square"))
              .withTarget(query(`lehr_run_max_loss{${run}}`, "greatest")),
          )
      .withPanel(
          lines(
              "Spread of the losses", "short",
              "So many of the newest decision's losses lie below, to a sixteenth.")
              .withTarget(query(`lehr_run_p90_loss{${run}}`, "90 %"))
              .withTarget(query(`lehr_run_median_loss{${run}}`, "50 %"))
              .withTarget(query(`lehr_run_p10_loss{${run}}`, "10 %")),
          )
      .withPanel(
          lines(
              "Tied losses", "percentunit",
              "Share of the step's loss that ties exactly, as that of dead data does.")
              .min(0)
              .max(1)
              .withTarget(query(`lehr_run_tied_share{${run}}`, "of the loss")),
          )
      .withPanel(
          lines("Imbalance", "short", "0: all examples have the same loss; 1: one has all of it.")
              .min(0)
              .max(1)
              .withTarget(query(`lehr_run_imbalance{${run}}`, "squared imbalance")),
          )
      .withPanel(
          lines("Magnitude", "short", "L2 norm of the losses; grows with their number.")
              .withTarget(
                  query(`lehr_run_magnitude{${run}}`, "magnitude"),
                  ),
          )
      .withPanel(
          lines(
              "Noise", "short",
              "Standard deviation that a decision commanded, the greatest of a minute.")
              .withTarget(
                  query(`max_over_time(lehr_run_noise_stddev{${run}}[1m])`, "noise"),
                  ),
          )
      .withPanel(
          lines("Commands", "none", "In five minutes.")
              .withTarget(query(`increase(lehr_run_commands_total{${run}}[5m])`, "commands")),
          )
      .withPanel(
          lines("Steps per second", "none", "Of a whole minute.")
              .withTarget(query(`deriv(lehr_run_step{${run}}[1m])`, "steps/s")),
          )
      .withPanel(
          lines("Ranks", "none", "With a live stream, of all.")
              .min(0)
              .withTarget(query(`lehr_run_connected_ranks{${run}}`, "connected"))
              .withTarget(query(`lehr_run_world_size{${run}}`, "all")),
          )
      .withPanel(lines("Generation", "none", "Rises with each new start of the job.")
                     .withTarget(query(`lehr_run_generation{${run}}`, "generation")));
}
