// Reads one export with a program of the JavaScript world and prints what it found as JSON:
//     node read.mjs gexf|cyjs|dot FILE
import { readFileSync } from "node:fs";

const [format, path] = process.argv.slice(2);
const text = readFileSync(path, "utf8");

async function gexf() {
  const { default: Graph } = await import("graphology");
  const { default: reader } = await import("graphology-gexf");
  const graph = reader.parse(Graph, text);
  return {
    multi: graph.multi,
    nodes: graph.mapNodes((id, attributes) => [id, attributes]),
    edges: graph.mapEdges((id, attributes, source, target) => [id, source, target, attributes]),
  };
}

async function cyjs() {
  const { default: cytoscape } = await import("cytoscape");
  const graph = cytoscape({ headless: true, elements: JSON.parse(text).elements, layout: { name: "preset" } });
  return {
    nodes: graph.nodes().map((node) => [node.id(), node.data(), node.position()]),
    edges: graph.edges().map((edge) => [edge.id(), edge.source().id(), edge.target().id(), edge.data()]),
  };
}

// Graphviz itself, compiled to WebAssembly.
async function dot() {
  const { instance } = await import("@viz-js/viz");
  const graphviz = await instance();
  const drawn = graphviz.renderJSON(text);
  const complaints = graphviz.render(text, { format: "svg" }).errors;
  return {
    directed: drawn.directed,
    strict: drawn.strict,
    complaints,
    nodes: (drawn.objects ?? []).map((node) => [node.rf_id, node]),
    edges: (drawn.edges ?? []).map((edge) => [edge.rf_id, edge.tail, edge.head, edge]),
  };
}

process.stdout.write(JSON.stringify(await { gexf, cyjs, dot }[format]()));
