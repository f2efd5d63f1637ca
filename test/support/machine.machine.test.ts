import { expect, test } from 'vitest';
import { has, requires } from './machine.js';

requires('docker')('the engine', () => {
  test('was found by the setup of the machine tests', () => expect([has('docker'), process.env['BAKE_TEST_ENGINE']]).toEqual([true, 'answers']));
});
