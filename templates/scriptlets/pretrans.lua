do
    local prefix, notes = {{ prefix | lua }}, {{ notes_directory | lua }}
    local function kind(path) return posix.stat(path, "type") end
    -- Where the link at path leads, as far as its text says; nothing when that is out of the prefix.
    local function inside(path, target)
        if string.sub(target, 1, 1) ~= "/" then target = string.gsub(path, "[^/]*$", "") .. target end
        local parts = {}
        for part in string.gmatch(target, "[^/]+") do
            if part == ".." then table.remove(parts) elseif part ~= "." then table.insert(parts, part) end
        end
        return string.sub("/" .. table.concat(parts, "/") .. "/", 1, #prefix + 1) == prefix .. "/"
    end
    -- Tells the scriptlets after this one, which have a shell, what lies where. A Lua with integers (5.3) has a time as a
    -- number with a point, which a shell cannot compare.
    local function note(age, path)
        posix.mkdir(notes)
        posix.mkdir(notes .. "/moved")
        local file = io.open(notes .. "/moved/" .. {{ package | lua }}, "a")
        if file then
            file:write(string.format("%d %s\n", age, path))
            file:close()
        end
    end
    -- What is a link now: a directory of the old version, and what others put into it, goes out of the way.
    local function link(path)
        path = prefix .. "/" .. path
        if kind(path) ~= "directory" then return end
        local age = posix.stat(prefix .. "/pyvenv.cfg", "mtime") or 0
        local moved, number = path .. ".rpmmoved", 0
        while kind(moved) do
            number = number + 1
            moved = path .. ".rpmmoved." .. number
        end
        if os.rename(path, moved) then note(age, moved) end
    end
    -- What is a directory now: a link of the old version goes. Links of packages stay in the prefix; one that leads out
    -- of it is the operator's.
    local function directories(above, names)
        local start = prefix .. "/"
        if above ~= "" then start = start .. above .. "/" end
        if not posix.stat(start) then return end
        for _, name in ipairs(names) do
            local path = start .. name
            if kind(path) == "link" and inside(path, posix.readlink(path)) then os.remove(path) end
        end
    end
    -- Nothing to do on an empty disk.
    if posix.stat(prefix) then
        {% for path in links %}
        link({{ path | lua }})
        {% endfor %}
        {% for above, names in directories | items %}
        directories({{ above | lua }}, { {% for name in names %}{{ name | lua }}, {% endfor %} })
        {% endfor %}
    end
end
{% if user_script %}

{{ user_script }}
{% endif %}
