// Records what the Azure SDK team's test server answers to the rows of conformance_lro.json.
//
//   node tests/conformance/record.js http://localhost:3000 build/moongate > tests/data/lro_exchanges.json
//
// It stands between moongate and the server and runs one row after another; addresses become
// {base}. What has to do with connections and dates is left out.
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');
const { spawn } = require('child_process');

const [target, moongate] = process.argv.slice(2);
const spec = path.join(__dirname, 'spec', 'conformance_lro.lua');
const rows = JSON.parse(fs.readFileSync(spec.replace('.lua', '.json')));
const kept = ['azure-asyncoperation', 'location', 'retry-after', 'set-cookie', 'content-type'];
let steps = [];

const proxy = http.createServer((request, response) => {
  const base = `http://${request.headers.host}`;
  const onward = http.request(target + request.url,
    { method: request.method, headers: request.headers }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => {
        const body = Buffer.concat(chunks);
        const fields = kept.filter((name) => answer.headers[name] !== undefined)
          .map((name) => `${name}: ${answer.headers[name]}`).join('\n');
        steps.push({
          request: `${request.method} ${request.url}`,
          status: answer.statusCode,
          fields: fields.replaceAll(base, '{base}').replaceAll(target, '{base}'),
          body: body.toString().replaceAll(base, '{base}').replaceAll(target, '{base}'),
        });
        response.writeHead(answer.statusCode, answer.headers);
        response.end(body);
      });
    });
  request.pipe(onward);
});

proxy.listen(0, '127.0.0.1', async () => {
  const address = `http://127.0.0.1:${proxy.address().port}`;
  const recorded = [];
  for (let number = 1; number <= rows.length; number++) {
    steps = [];
    await new Promise((resolve) => {
      spawn(moongate, ['run', '--quiet', '--sim', '--allow-net', address, spec, address, String(number)],
        { stdio: 'ignore' }).on('exit', resolve);
    });
    recorded.push('  ' + JSON.stringify(steps));
  }
  console.log(`[\n${recorded.join(',\n')}\n]`);
  proxy.close();
});
