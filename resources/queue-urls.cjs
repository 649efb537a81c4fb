'use strict';

const { names } = require('./queues.cjs');

/** The URLs of all queues, for the doctor. */
module.exports = () => ({ 'Fn::Join': [',', names.map((name) => ({ Ref: name }))] });
