#!/usr/bin/env node
/** Reads the command line and hands over. */

import { runCommand } from './process/commands.ts';

process.exitCode = await runCommand(process.argv.slice(2));
