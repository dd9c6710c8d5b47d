/** Puts values into a template, where it says `@name@`. */
export function fill(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replaceAll(/@(\w+)@/gu, (mark, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`The template's ${mark} has no value`);
    return String(value);
  });
}

/** A string of HCL; `${` and `%{` would begin an expression. */
export function hcl(text: string): string {
  return JSON.stringify(text).replaceAll(/[$%]\{/gu, (mark) => mark.charAt(0) + mark);
}

/** A role that one service may take, with one policy of AWS's own. */
export function role(name: string, service: string, policyArn: string): string {
  const values = { name: hcl(name), prefix: hcl(`hearth-${name}-`), plain: name };
  return fill(roleTemplate, { ...values, service: hcl(service), policy: hcl(policyArn) });
}

const roleTemplate = `resource "aws_iam_role" @name@ {
  name_prefix = @prefix@
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = @service@ }
    }]
  })
}

resource "aws_iam_role_policy_attachment" @name@ {
  role       = aws_iam_role.@plain@.name
  policy_arn = @policy@
}
`;
