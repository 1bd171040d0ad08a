// What the panels of both dashboards share. Positions are left to the SDK: 24 columns, row by row.
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";

// The data source that a viewer chose at the top of the page.
export const source = {
  type: "prometheus",
  uid: "${datasource}"
};

export function sourceVariable() {
  return new dashboard.DatasourceVariableBuilder("datasource")
      .label("Prometheus")
      .type("prometheus");
}

export function query(expr: string, legend: string) {
  return new prometheus.DataqueryBuilder()
      .datasource(source)
      .expr(expr)
      .legendFormat(legend)
      .range();
}

export function instant(expr: string, refId: string) {
  return new prometheus.DataqueryBuilder()
      .datasource(source)
      .expr(expr)
      .refId(refId)
      .instant()
      .format(prometheus.PromQueryFormat.Table);
}

// Lines over time. Gaps stay gaps: where nothing was measured there is no number.
export function lines(title: string, unit: string, description: string) {
  return new timeseries.PanelBuilder()
      .title(title)
      .description(description)
      .datasource(source)
      .unit(unit)
      .height(8)
      .span(12)
      .lineWidth(1)
      .fillOpacity(5)
      .showPoints(common.VisibilityMode.Never)
      .legend(
          new common.VizLegendOptionsBuilder()
              .displayMode(common.LegendDisplayMode.List)
              .placement(common.LegendPlacement.Bottom)
              .showLegend(true),
          )
      .tooltip(
          new common.VizTooltipOptionsBuilder()
              .mode(common.TooltipDisplayMode.Multi)
              .sort(common.SortOrder.Descending),
      );
}

// One number, in a colour that says whether somebody should look: `bad` from `limit` on.
export function number(title: string, expr: string, description: string) {
  return new stat.PanelBuilder()
      .title(title)
      .description(description)
      .datasource(source)
      .height(4)
      .span(3)
      .graphMode(common.BigValueGraphMode.None)
      .colorMode(common.BigValueColorMode.Value)
      .withTarget(
          new prometheus.DataqueryBuilder().datasource(source).expr(expr).instant().refId("A"),
      );
}

export function badFrom(limit: number) {
  return new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps([
    {value: null, color: "green"},
    {value: limit, color: "red"},
  ]);
}

export function badBelow(limit: number) {
  return new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps([
    {value: null, color: "red"},
    {value: limit, color: "green"},
  ]);
}

export const neutral =
    new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps([
      {value: null, color: "text"}
    ]);
