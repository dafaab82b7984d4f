"use strict";

// Addresses are relative: where API Gateway puts the stage into the path, this page has it in front of its own.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // by default a stranger's host is asked
});
