// Every module that a source file names, by TypeScript's own parser.
import ts from "typescript";

/**
 * @param {string} file
 * @param {string} text
 * @returns {{ specifier: string, kind: "static" | "dynamic", line: number }[]}
 */
export function importsOf(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  /** @type {{ specifier: string, kind: "static" | "dynamic", line: number }[]} */
  const found = [];
  /** @param {ts.Node | undefined} node @param {"static" | "dynamic"} kind */
  const add = (node, kind) => {
    if (!node || !ts.isStringLiteralLike(node)) return;
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    found.push({ specifier: node.text, kind, line });
  };
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier, "static");
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, "static");
    else if (ts.isExternalModuleReference(node)) add(node.expression, "static");
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], "dynamic");
    else if (ts.isCallExpression(node) && node.expression.getText(source) === "require")
      add(node.arguments[0], "static");
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
